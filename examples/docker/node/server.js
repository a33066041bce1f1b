// Answers every request, and ends when it has answered the last one.
"use strict";

const server = require("node:http").createServer((_, answer) => answer.end("hello\n"));
server.listen(process.env.PORT);

process.on("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
