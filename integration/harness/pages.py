"""Applications that are a small web server of ours in some language: the same pages from each of them."""

from harness import clients
from harness.application import SECRET, Application, Refusal


class Pages(Application):
    """`/` greets, `/secret` wants the token, `/slow` begins at once and takes its time."""

    refused = (Refusal(("--env", "API_TOKEN=x", "--env", "PORT=80x"), ("`PORT` is not a port",)),)
    probe_words = ("-H", "Authorization: Bearer ${API_TOKEN}", "--contains", "welcome", "http://127.0.0.1:${PORT}/secret")

    def ask(self, address):
        assert self.get(address, "/") == (200, f"hello from {self.name}\n")
        assert self.get(address, "/secret")[0] == 401
        assert self.get(address, "/secret", {"Authorization": f"Bearer {SECRET}"}) == (200, "welcome\n")

    def get(self, address, path, headers=None):
        return clients.get(address, path, headers)

    def ask_slowly(self, address, begun):
        assert clients.get_slowly(address, "/slow", begun) == "begun\ndone\n"
