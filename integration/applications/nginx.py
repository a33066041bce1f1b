"""nginx: templates, a user file made of a secret, and a graceful stop behind a drain."""

import base64

from harness import clients, rootfs
from harness.application import SECRET, Application, Refusal, dpkg_version, execute

CONF = """
pid /tmp/nginx/pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/nginx/body;
    proxy_temp_path /tmp/nginx/proxy;
    fastcgi_temp_path /tmp/nginx/fastcgi;
    uwsgi_temp_path /tmp/nginx/uwsgi;
    scgi_temp_path /tmp/nginx/scgi;
    include /tmp/nginx/conf.d/*.conf;
}
"""

SITE = """
server {
    listen ${PORT};
    root /srv;
    location = /health { return 204; }
    location = /hello { return 200 "$request_method $uri on ${PORT}\n"; }
    location / {
        auth_basic "the site";
        auth_basic_user_file /tmp/nginx/users;
        limit_rate 1000;
    }
}
"""

PAGE = "0123456789" * (100 * clients.SLOW)
"""At 1000 bytes a second; nginx sends the first of them at once."""


class App(Application):
    packages = ("nginx-light",)
    environment = {"PORT": "8080", "DRAIN": "300ms"}
    secret = "PASSWORD"
    ready = "start worker process "
    refused = (
        Refusal(("--env", "PORT=80x", "--env", "PASSWORD=x"), ("`PORT` is not a port",)),
        # What would end the password, and begin another user.
        *(Refusal(("--env", f"PASSWORD=x{end}y:{{PLAIN}}"), ("`PASSWORD` does not match",)) for end in ":\r\n"),
    )
    client = ("nginx", "-v", "nginx version: nginx/")
    probe_words = ("--status", "204", "http://127.0.0.1:${PORT}/health")

    @property
    def title(self):
        return f"nginx {dpkg_version('nginx-common')}"

    def files(self):
        texts = {"/etc/nginx/nginx.conf": CONF, "/etc/nginx/templates/site.conf.template": SITE, "/srv/page": PAGE}
        return rootfs.of(programs=["/usr/sbin/nginx"]) | {
            **{path: (0o644, text.encode()) for path, text in texts.items()},
            # Compiled in: nginx opens it before it reads that its log is stderr.
            "/var/log/nginx": (0o755, None, rootfs.NONROOT),
        }

    def ask(self, address):
        assert clients.get(address, "/hello") == (200, "GET /hello on 8080\n")
        assert clients.get(address, "/page")[0] == 401

    def ask_slowly(self, address, begun):
        assert clients.get_slowly(address, "/page", begun, LOGIN) == PAGE

    def also_new_clients_are_served_while_it_drains(self):
        with self.started(options=self.options(self.environment | {"DRAIN": "30s"})) as server:
            server.kill("TERM")
            server.wait_for_report("draining")
            self.ask(self.address(server))
            ready = execute(server, "/onset", "probe", "ready")
            assert (ready.status, ready.stdout) == (1, "not ready: draining\n"), ready
            server.kill("TERM")  # a second one ends the drain
            assert server.wait() == 0


LOGIN = {"Authorization": "Basic " + base64.b64encode(f"admin:{SECRET}".encode()).decode()}
