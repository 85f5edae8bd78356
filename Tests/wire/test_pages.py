"""Pages of the server's own: metrics and health."""

import http.client
import re

from playback.talk import Talk


def get(host, path, method="GET"):
    connection = http.client.HTTPConnection(host.host, host.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read().decode()
    finally:
        connection.close()


def samples(text):
    """Each sample of OpenMetrics text by its name and labels."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_metrics_count_what_clients_do(own_host):
    with Talk(own_host) as talk:
        talk.says("1", "1", "board:m", "phx_join", {})
        talk.says("1", "2", "board:m", "inc", {})
        for _ in range(4):
            talk.next_message()
        status, kind, text = get(own_host, "/metrics")
    assert status == 200
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("# EOF\n")
    counted = samples(text)
    assert counted["synq_connections"] == 1
    assert counted["synq_channels"] == 1
    assert counted["synq_shared_topics"] == 1
    assert counted['synq_events_total{channel="board:*"}'] == 1
    duration = 'synq_callback_duration_seconds_{}{{channel="board:*",callback="handle_event"{}}}'
    assert counted[duration.format("count", "")] == 1
    assert counted[duration.format("bucket", ',le="+Inf"')] == 1
    # A family is declared once, and before its samples.
    families = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(families) == len(set(families))


def test_health_is_ok_while_the_server_runs(host):
    assert get(host, "/health") == (200, "text/plain; charset=utf-8", "ok\n")
    assert get(host, "/health", "POST")[0] == 405
    assert get(host, "/metrics", "HEAD")[::2] == (200, "")
