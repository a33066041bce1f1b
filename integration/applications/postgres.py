"""PostgreSQL: a cluster, a role and a database made by the first start, and no commit lost that was acknowledged."""

import os
import subprocess
from pathlib import Path

from harness import clients, command, docker, reports, rootfs
from harness.application import SECRET, Application, Refusal, dpkg_version

EXAMPLE = Path("examples/applications/postgres")
SCRIPT = """
CREATE TABLE IF NOT EXISTS greeting (text text PRIMARY KEY);
INSERT INTO greeting VALUES ('from a script') ON CONFLICT DO NOTHING;
GRANT ALL ON greeting TO app;
"""
PROGRAMS = ["postgres", "psql", "pg_isready", "pg_controldata"]


class App(Application):
    packages = ("postgresql", "postgresql-client")
    secret = "POSTGRES_PASSWORD"
    port = 5432
    ready = "database system is ready to accept connections"
    volume = "/var/lib/postgresql"
    user = 0
    refused = (Refusal(("--env", "POSTGRES_PASSWORD=x", "--env", "PGDATA=data"), ("`PGDATA` is not",)),)
    client = ("psql", "--tuples-only", "--command", "select text, current_user from greeting", "from a script | app")
    probe_words = ("unix:/tmp/.s.PGSQL.5432", "tcp:127.0.0.1:5432")
    stop_seconds = 15

    @property
    def title(self):
        return f"PostgreSQL {dpkg_version(f'postgresql-{self.directory.name}')}"

    @property
    def directory(self):
        """The newest version that is installed."""
        return max(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))

    @property
    def instructions(self):
        return (f"ENV PATH={self.directory}/bin", f"VOLUME {self.volume}")

    def files(self):
        programs = [self.directory / "bin" / name for name in PROGRAMS]
        # The compiler for queries is larger than all the rest, and optional.
        server = rootfs.of([f"postgresql-{self.directory.name}"], programs, without=r"llvmjit|/bitcode/|/extension/(?!plpgsql)")
        return server | {
            **rootfs.tree(self.cluster(), to="/usr/share/postgresql/cluster", owner=rootfs.NONROOT),
            **rootfs.moved(self.helper(), f"{self.directory}/bin/postgres-init"),
            "/etc/postgresql/setup.sql": (0o644, EXAMPLE / "setup.sql"),
            "/etc/postgresql/pg_hba.conf": (0o644, EXAMPLE / "pg_hba.conf"),
            "/docker-entrypoint-initdb.d/greeting.sql": (0o644, SCRIPT.encode()),
            "/docker-entrypoint-initdb.d/README": (0o644, b""),
        }

    def cluster(self):
        """What a stage of a Dockerfile would do; initdb refuses to run as root."""
        folder = Path(self._folder) / "cluster"
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if not folder.exists():
            folder.mkdir()
            folder.parent.chmod(0o755)
            folder.chmod(0o777)
            words = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256"]
            initdb = [self.directory / "bin/initdb", f"--pgdata={folder}/data", "--username=postgres", *words]
            command.run(*initdb, "--wal-segsize=1", "--no-sync", cwd="/", **user)
        return folder / "data"

    def helper(self):
        program = Path(self._folder) / "postgres-init"
        command.run(os.environ.get("RUSTC", "rustc"), "--edition", "2024", "-O", "-o", program, "examples/helpers/postgres-init.rs")
        return program

    def wait_ready(self, server, times=1):
        # The helper's server says the same before; it has no network.
        server.wait_for_report("main_started")
        server.wait_for_line(f'listening on IPv4 address "0.0.0.0", port {self.port}', times=times)
        self.wait_until(server, "/onset", "exec", "--", "pg_isready")

    def psql(self, address, statement):
        return command.run(*self.psql_words(address), "--command", statement, env=LOGIN, check=False)

    def psql_words(self, address):
        host, port = address
        return [f"{self.directory}/bin/psql", "--no-psqlrc", "-qAt", f"--host={host}", f"--port={port}", "app", "app"]

    def ask(self, address):
        assert self.psql(address, "select text from greeting limit 1").stdout == "from a script\n"
        wrong = command.run(*self.psql_words(address), "--command", "", env=LOGIN | {"PGPASSWORD": "wrong"}, check=False)
        assert "password authentication failed" in wrong.stderr, wrong

    def change(self, address):
        assert self.psql(address, "insert into greeting values ('kept')").status == 0

    def assert_changed(self, address):
        assert self.psql(address, "select count(*) from greeting").stdout == "2\n"

    def assert_nothing_to_do(self, changed):
        super().assert_nothing_to_do(changed)
        assert "`cluster`" not in changed and "`role and database`" not in changed, changed

    def stop_under_load(self):
        with self.started() as server:
            address = self.address(server)
            self.psql(address, "create table written (client int)")
            numbers = iter(range(self.crowd))
            with clients.Crowd(self.crowd, lambda begun: self.insert(address, next(numbers), begun)) as crowd:
                stopping = server.stop(grace=60)
                committed = dict(result for result, _ in crowd.finish())
            self.assert_stopped(server, stopping)

            self.start_again(server)
            found = self.psql(self.address(server), "select client, count(*) from written group by client").stdout
            kept = {int(client): int(count) for client, count in (line.split("|") for line in found.splitlines())}
            # One that was committed last may have lost its answer alone.
            lost = [client for client, count in committed.items() if not count <= kept[client] <= count + 1]
            assert not lost, f"acknowledged {committed}, kept {kept}"
            assert "redo starts" not in server.logs().stderr, "the stop was no orderly one"

    def insert(self, address, client, begun):
        """Inserts until the server is gone; the client, and how often that was acknowledged."""
        psql = subprocess.Popen(
            self.psql_words(address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=LOGIN
        )
        count = 0
        with psql:
            try:
                while True:
                    psql.stdin.write(f"insert into written values ({client}) returning 'done';\n".encode())
                    psql.stdin.flush()
                    if not psql.stdout.readline().startswith(b"done"):
                        break
                    count += 1
                    if count == 1:
                        begun()
            except BrokenPipeError:
                pass
            psql.stdin = None
        return client, count

    def also_a_first_start_that_was_killed_is_completed_by_the_next(self):
        for moment in ["step `cluster` done", "running /etc/postgresql/setup.sql", "running /docker-entrypoint-initdb.d/greeting.sql"]:
            server = docker.Container(self.image, options=self.options())
            with server:
                server.wait_for_line(moment)
                server.kill("KILL")
                assert server.wait() == 137
                server.start()
                self.wait_ready(server)
                assert self.psql(self.address(server), "select 1").stdout == "1\n"

    def also_a_script_that_fails_ends_the_start_and_shows_no_password(self):
        broken = self.host_file("broken.sql", "SELECT no_such_function();\n")
        found = docker.run(self.image, options=[*self.options(), "--volume", f"{broken}:/docker-entrypoint-initdb.d/0.sql"])
        assert found.status == 1 and "no_such_function() does not exist" in found.stderr, found
        assert SECRET not in found.stderr
        assert reports.only(reports.parse(found.stderr), "start_failed")["status"] == 1


LOGIN = {"PGPASSWORD": SECRET, "PATH": "/usr/bin:/bin"}

