# The tables of benchmarks/run, from the lines of JSON that the load generator printed. Its objects are flat, so a
# member is found by its name. A label is WORKLOAD/SERVER.

function field(name,    at) {
  return match($0, "\"" name "\":[-0-9.]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0
}

function add(name, value) {
  values[key, name, runs[key]] = value
}

# The values of a name in rising order, in `sorted`.
function sort(key, name,    i, j, value) {
  for (i = 1; i <= runs[key]; i++) {
    value = values[key, name, i]
    for (j = i - 1; j >= 1 && sorted[j] > value; j--) sorted[j + 1] = sorted[j]
    sorted[j + 1] = value
  }
}

function median(key, name,    n) {
  sort(key, name)
  n = runs[key]
  return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function least(key, name) {
  sort(key, name)
  return sorted[1]
}

function most(key, name) {
  sort(key, name)
  return sorted[runs[key]]
}

# How often a figure holds that of another server in the same workload, or a dash.
function ratio(workload, server, other, name,    value, base) {
  if (!((workload "/" other) in runs) || server == other) return "-"
  value = least(workload "/" server, name)
  base = least(workload "/" other, name)
  return base > 0 ? sprintf("%.2f", value / base) : "-"
}

{
  split(substr($0, 11, index(substr($0, 11), "\"") - 1), label, "/")
  key = label[1] "/" label[2]
  if (!(label[1] in kind)) {
    kind[label[1]] = index($0, "\"mode\":\"idle\"") ? "idle" : "load"
    workloads[++workload_count] = label[1]
  }
  if (!(label[2] in seen)) {
    seen[label[2]] = 1
    servers[++server_count] = label[2]
  }
  runs[key]++
  if (kind[label[1]] == "idle") {
    add("rate", field("joins_per_s"))
    add("connected", field("connected_bytes"))
    add("idle", field("idle_bytes"))
    add("used", field("used_bytes"))
    add("closed", field("closed_bytes"))
  } else {
    add("rate", index($0, "\"mode\":\"room\"") ? field("deliveries_per_s") : field("events_per_s"))
    add("p50", field("p50_us"))
    add("p99", field("p99_us"))
    add("user", field("cpu_user_us"))
    add("system", field("cpu_system_us"))
  }
  add("cpu", field("cpu_us"))
}

function load_table(    w, s, workload, key, printed) {
  for (w = 1; w <= workload_count; w++) {
    workload = workloads[w]
    if (kind[workload] != "load") continue
    if (!printed++)
      printf "\n%-16s %-8s %10s %10s %9s %9s %8s %8s %7s %7s %8s %8s\n", "workload", "server", "events/s", "best", \
        "p50 us", "p99 us", "cpu us", "best", "user", "system", "x limit", "x echo"
    for (s = 1; s <= server_count; s++) {
      key = workload "/" servers[s]
      if (!(key in runs)) continue
      printf "%-16s %-8s %10.0f %10.0f %9.1f %9.1f %8.2f %8.2f %7.2f %7.2f %8s %8s\n", workload, servers[s], \
        median(key, "rate"), most(key, "rate"), median(key, "p50"), median(key, "p99"), median(key, "cpu"), \
        least(key, "cpu"), median(key, "user"), median(key, "system"), ratio(workload, servers[s], "limit", "cpu"), \
        ratio(workload, servers[s], "echo", "cpu")
    }
  }
  if (printed)
    print "Medians, and the best round. cpu us: the server's CPU per event, in a room per delivery; there events/s are\n" \
      "deliveries, and the latency is until the last member has it. x: the best CPU against that of the limit or echo."
}

function idle_table(    w, s, workload, key, printed) {
  for (w = 1; w <= workload_count; w++) {
    workload = workloads[w]
    if (kind[workload] != "idle") continue
    if (!printed++)
      printf "\n%-16s %-8s %10s %10s %10s %10s %10s %10s %8s\n", "workload", "server", "joins/s", "cpu us", \
        "connected", "idle", "used", "closed", "x limit"
    for (s = 1; s <= server_count; s++) {
      key = workload "/" servers[s]
      if (!(key in runs)) continue
      printf "%-16s %-8s %10.0f %10.1f %10.0f %10.0f %10.0f %10.0f %8s\n", workload, servers[s], median(key, "rate"), \
        median(key, "cpu"), median(key, "connected"), median(key, "idle"), median(key, "used"), \
        median(key, "closed"), ratio(workload, servers[s], "limit", "idle")
    }
  }
  if (printed)
    print "Medians. Bytes of the server's resident memory per connection: connected but not joined, joined and idle, after\n" \
      "an event on each, after all closed. cpu us: of a connect and join. x: the least idle memory against the limit."
}

END {
  load_table()
  idle_table()
}
