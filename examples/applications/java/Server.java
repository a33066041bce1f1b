import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Some pages. SIGTERM runs the shutdown hook, which waits for answers under way; then the JVM ends with 143. */
public class Server {
    private static final AtomicInteger UNDER_WAY = new AtomicInteger();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 64);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> answer(exchange, 200, "hello from java\n"));
        server.createContext("/heap", exchange -> answer(exchange, 200, Runtime.getRuntime().maxMemory() + "\n"));
        server.createContext("/secret", Server::secret);
        server.createContext("/slow", Server::slow);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            synchronized (UNDER_WAY) {
                while (UNDER_WAY.get() > 0) {
                    try {
                        UNDER_WAY.wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            }
            server.stop(0);
        }));
        server.start();
        System.out.println("listening");
    }

    private static void secret(HttpExchange exchange) throws IOException {
        String wanted = "Bearer " + System.getenv("API_TOKEN");
        boolean known = wanted.equals(exchange.getRequestHeaders().getFirst("Authorization"));
        answer(exchange, known ? 200 : 401, known ? "welcome\n" : "who are you?\n");
    }

    private static void slow(HttpExchange exchange) throws IOException {
        UNDER_WAY.incrementAndGet();
        exchange.sendResponseHeaders(200, 0);
        try (var body = exchange.getResponseBody()) {
            body.write("begun\n".getBytes());
            body.flush();
            Thread.sleep(2000);
            body.write("done\n".getBytes());
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        synchronized (UNDER_WAY) {
            UNDER_WAY.decrementAndGet();
            UNDER_WAY.notifyAll();
        }
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        exchange.sendResponseHeaders(status, text.length());
        try (var body = exchange.getResponseBody()) {
            body.write(text.getBytes());
        }
    }
}
