using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;

/// Some pages, by hand. On SIGTERM the runtime raises ProcessExit, which waits here for answers under way, and ends
/// with 143.
public static class Server
{
    private static readonly string Token = "Authorization: Bearer " + Environment.GetEnvironmentVariable("API_TOKEN");
    private static int underWay;

    public static void Main()
    {
        var listener = new TcpListener(IPAddress.Any, int.Parse(Environment.GetEnvironmentVariable("PORT")));
        listener.Start();
        AppDomain.CurrentDomain.ProcessExit += (sender, e) => SpinWait.SpinUntil(() => Volatile.Read(ref underWay) == 0);
        Console.WriteLine("listening");
        while (true)
        {
            TcpClient client = listener.AcceptTcpClient();
            new Thread(() => Serve(client)).Start();
        }
    }

    private static void Serve(TcpClient client)
    {
        Interlocked.Increment(ref underWay);
        try
        {
            using (client)
            using (var reader = new StreamReader(client.GetStream()))
            using (var writer = new StreamWriter(client.GetStream()) { AutoFlush = true })
            {
                Answer(reader, writer);
            }
        }
        catch (IOException)
        {
            // The client is gone.
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }

    private static void Answer(StreamReader reader, StreamWriter writer)
    {
        string request = reader.ReadLine() ?? "";
        bool known = false;
        for (string line = reader.ReadLine(); !string.IsNullOrEmpty(line); line = reader.ReadLine())
        {
            known |= line == Token;
        }
        bool secret = request.StartsWith("GET /secret ");
        string status = secret && !known ? "401 Unauthorized" : "200 OK";
        writer.Write("HTTP/1.1 " + status + "\r\nConnection: close\r\n\r\n");
        if (request.StartsWith("GET /slow "))
        {
            writer.Write("begun\n");
            Thread.Sleep(2000);
            writer.Write("done\n");
        }
        else
        {
            writer.Write(!secret ? "hello from dotnet\n" : known ? "welcome\n" : "who are you?\n");
        }
    }
}
