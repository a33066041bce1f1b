// Three pages, and not a word about signals.
const http = require("node:http");

http.createServer((request, response) => {
    if (request.url === "/slow") {
        response.write("begun\n");
        setTimeout(() => response.end("done\n"), 2000);
    } else if (request.url === "/secret") {
        const known = request.headers.authorization === `Bearer ${process.env.API_TOKEN}`;
        response.writeHead(known ? 200 : 401).end(known ? "welcome\n" : "who are you?\n");
    } else {
        response.end("hello from node\n");
    }
}).listen(process.env.PORT, () => console.log("listening"));
