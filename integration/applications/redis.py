"""redis: a configuration file as argument, a volume that is given away, and no write lost that was acknowledged."""

from harness import clients, docker, rootfs
from harness.application import SECRET, Application, Refusal, dpkg_version, execute
from harness.redis import Session


class App(Application):
    packages = ("redis-server",)
    instructions = ("VOLUME /data", "WORKDIR /data")
    user = 0
    secret = "REDIS_PASSWORD"
    port = 6379
    ready = "Ready to accept connections"
    volume = "/data"
    refused = (
        Refusal(("--env", "REDIS_PASSWORD_FILE=/etc"), ("REDIS_PASSWORD", "/etc")),
        Refusal(("--env", f"REDIS_PASSWORD={SECRET}", "--user", "7:8"), ("redis saves there", "/data", "7:8")),
    )
    client = ("redis-cli", "ping", "PONG")
    probe_words = ("tcp:127.0.0.1:6379",)

    @property
    def title(self):
        return f"redis {dpkg_version('redis-server')}"

    def files(self):
        return rootfs.of(programs=["/usr/bin/redis-server", "/usr/bin/redis-cli"]) | {
            "/data": (0o755, None),
            "/etc/redis/redis.conf": (0o644, b"port 7000\nbind *\n"),
        }

    def ask(self, address):
        with Session(address) as stranger:
            assert stranger.ask("PING").startswith("-NOAUTH")
        with Session(address, SECRET) as session:
            assert session.ask("PING") == "PONG"

    def change(self, address):
        with Session(address, SECRET) as session:
            assert session.ask("SET", "greeting", "hello") == "OK"

    def assert_changed(self, address):
        with Session(address, SECRET) as session:
            assert session.ask("GET", "greeting") == "hello"

    def stop_under_load(self):
        with self.started() as server:
            address = self.address(server)
            names = iter([f"counter-{number}" for number in range(self.crowd)])
            with clients.Crowd(self.crowd, lambda begun: count_up(address, next(names), begun)) as crowd:
                stopping = server.stop(grace=30)
                counted = dict(result for result, _ in crowd.finish())
            self.assert_stopped(server, stopping)

            self.start_again(server)
            with Session(self.address(server), SECRET) as session:
                kept = {name: int(session.ask("GET", name)) for name in counted}
            # One that was written last may have lost its answer alone.
            lost = [name for name, count in counted.items() if not count <= kept[name] <= count + 1]
            assert not lost, f"acknowledged {counted}, kept {kept}"

    def also_a_password_may_be_anything(self):
        password = "a\"b\\c\nport 7000\t'd' \\x41 ${PORT} {{ env.PORT }} #"
        with self.started(options=["--env", f"REDIS_PASSWORD={password}"]) as server:
            with Session(self.address(server), password) as session:
                assert session.ask("PING") == "PONG"

    def also_a_configuration_file_and_flags_as_arguments_are_its_own(self):
        with self.started("/etc/redis/redis.conf", "--maxclients", "77") as server:
            found = execute(server, "/onset", "exec", "--", "redis-cli", "-p", "7000", "config", "get", "maxclients")
            assert found.stdout.split() == ["maxclients", "77"], found
        other = docker.run(self.image, "redis-cli", "--version")
        assert other.status == 0 and other.stdout.startswith("redis-cli "), other


def count_up(address, name, begun):
    """Counts until the server is gone; the name, and what was acknowledged."""
    count = 0
    with Session(address, SECRET) as session:
        try:
            while True:
                count = int(session.exchange("INCR", name))
                if count == 1:
                    begun()
        except OSError:
            return name, count
