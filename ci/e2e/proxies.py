"""The real nginx and the real HAProxy in front of servers, configured as shortly as a person would. Checks nothing."""

import os
import pwd
import shutil
import socket

from programs import Program, free_port

# Debian keeps them where a shell without root's path does not look.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

# What a person writes stands in `http`; the rest keeps nginx's files within a folder that belongs to whoever starts it.
NGINX = """\
user {user};
daemon off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream mcp {{
        server {server};
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 8m;
        location / {{
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffering off;
            proxy_read_timeout 120s;
        }}
    }}
}}
"""

HAPROXY = """\
global
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
frontend public
    bind 127.0.0.1:{port}
    default_backend mcp
backend mcp
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
{servers}
"""


class Proxy(Program):
    """One that is ready once its port is open."""

    def __init__(self, name, folder):
        super().__init__(name, folder)
        self.address = ("127.0.0.1", free_port())

    def is_ready(self):
        socket.create_connection(self.address, 1).close()
        return True


class Nginx(Proxy):
    """In front of one server; keeps connections to it, as everybody advises."""

    def __init__(self, folder, server):
        super().__init__("nginx", folder)
        host, port = server.address("mcp")
        config = self.folder / "nginx.conf"
        user = pwd.getpwuid(os.geteuid()).pw_name
        config.write_text(NGINX.format(user=user, server=f"{host}:{port}", port=self.address[1]))
        self.start([found("nginx"), "-e", "stderr", "-p", f"{self.folder}/", "-c", str(config)])


class HAProxy(Proxy):
    """In front of any number of servers, each asked on its admin port whether it is ready."""

    def __init__(self, folder, *servers):
        super().__init__("HAProxy", folder)
        config = self.folder / "haproxy.cfg"
        lines = (line(f"mcp{at}", server) for at, server in enumerate(servers))
        config.write_text(HAPROXY.format(port=self.address[1], servers="\n".join(lines)))
        self.start([found("haproxy"), "-db", "-f", str(config)])


def line(name, server):
    (host, port), (_, admin) = (server.address(which) for which in ("mcp", "admin"))
    return f"    server {name} {host}:{port} check port {admin} inter 2s fall 3"


def found(program):
    """Its path."""
    path = shutil.which(program, path=PATH)
    if not path:
        raise RuntimeError(f"there is no {program}: apt-get install nginx-light haproxy")
    return path
