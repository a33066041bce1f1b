// Answers every request, and ends when it has answered the last one: the host hears SIGTERM by itself.
var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "hello\n");
app.Run($"http://*:{Environment.GetEnvironmentVariable("PORT")}");
