"""Act: the two ports are apart, and health is told to anybody on the admin port."""

import wire
from checks import want


def run(server, checks):
    public, admin = server.address("mcp"), server.address("admin")
    for path in ("/metrics", "/debug/pprof/", "/livez", "/log/filter", "/"):
        with checks.check(f"the public port has no {path}"):
            status = wire.get(public, path).status
            want(status == 404, f"status {status}")
    body, headers = wire.modern("tools/list")
    for method, sent in (("GET", None), ("POST", body)):
        with checks.check(f"the admin port has no {method} /mcp"):
            status = wire.request(admin, method, "/mcp", sent, headers).status
            want(status == 404, f"status {status}")
    for path in ("/livez", "/readyz", "/startupz"):
        with checks.check(f"the admin port says {path}"):
            status = wire.get(admin, path).status
            want(status == 200, f"status {status}")
