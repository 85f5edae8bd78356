import SynqChannels

/// What a server counts as OpenMetrics text (version 1.0.0), which Prometheus reads. Labels are patterns, never topics: their
/// number does not grow with what clients do.
package struct MetricsText {
  package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  private var text = ""

  private mutating func family(_ name: String, _ type: String, _ help: String, unit: String? = nil) {
    text += "# TYPE \(name) \(type)\n"
    if let unit { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(help)\n"
  }

  private mutating func gauge(_ name: String, _ value: Int, _ help: String) {
    family(name, "gauge", help)
    text += "\(name) \(value)\n"
  }

  private mutating func counter(_ name: String, _ value: Int, _ help: String, unit: String? = nil) {
    family(name, "counter", help, unit: unit)
    text += "\(name)_total \(value)\n"
  }

  /// The value of a label, escaped.
  private static func label(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// The text of a server.
  package static func text(of hub: ChannelHub) -> String {
    var made = MetricsText()
    let stats = hub.stats
    made.gauge("synq_connections", stats.connections.current, "Connections that are open.")
    made.counter("synq_connections_opened", stats.connectionsTotal.current, "Connections that were opened.")
    made.gauge("synq_channels", stats.channels.current, "Channels that are joined.")
    let topics = hub.topics.all
    made.gauge("synq_shared_topics", topics.count, "Topics with shared assigns that are open.")
    made.gauge(
      "synq_turn_waiters", topics.reduce(0) { $0 + $1.queueLength },
      "Callbacks that wait for the turn of their topic.")
    made.gauge(
      "synq_queued_messages", stats.queuedMessages.current,
      "Messages of the server that wait for channels whose callbacks run.")
    made.counter("synq_messages_received", stats.messagesIn.current, "Messages that clients sent.")
    made.counter("synq_messages_sent", stats.messagesOut.current, "Messages that were sent to clients.")
    made.counter(
      "synq_sent_bytes", stats.bytesOut.current, "Bytes of messages sent to clients, before compression.",
      unit: "bytes")
    made.counter("synq_callbacks", stats.callbacks.current, "Callbacks that were run.")
    made.counter("synq_crashes", stats.crashes.current, "Callbacks that failed.")
    made.callbacks(of: hub)
    made.text += "# EOF\n"
    return made.text
  }

  private mutating func callbacks(of hub: ChannelHub) {
    let measured = zip(hub.router.specs, hub.callbackMetrics).map { (Self.label("\($0.pattern)"), $1) }
    guard !measured.isEmpty else { return }
    family("synq_events", "counter", "Events of clients that were handled, by the pattern of their channel.")
    for (pattern, metrics) in measured {
      text += "synq_events_total{channel=\"\(pattern)\"} \(metrics.events.current)\n"
    }
    family("synq_callback_crashes", "counter", "Callbacks that failed, by the pattern of their channel.")
    for (pattern, metrics) in measured {
      text += "synq_callback_crashes_total{channel=\"\(pattern)\"} \(metrics.crashes.current)\n"
    }
    family(
      "synq_callback_duration_seconds", "histogram",
      "Time that callbacks had their thread; what is deferred is not in it.", unit: "seconds")
    for (pattern, metrics) in measured {
      for (callback, histogram) in zip(CallbackMetrics.callbacks, metrics.durations) {
        histograms(histogram, labels: "channel=\"\(pattern)\",callback=\"\(callback)\"")
      }
    }
  }

  private mutating func histograms(_ histogram: Histogram, labels: String) {
    let (cumulative, count, seconds) = histogram.snapshot
    guard count > 0 else { return }
    let name = "synq_callback_duration_seconds"
    for (bound, value) in zip(Histogram.bounds, cumulative) {
      text += "\(name)_bucket{\(labels),le=\"\(bound.text)\"} \(value)\n"
    }
    text += "\(name)_bucket{\(labels),le=\"+Inf\"} \(count)\n"
    text += "\(name)_sum{\(labels)} \(seconds)\n"
    text += "\(name)_count{\(labels)} \(count)\n"
  }
}

extension ChannelHub {
  /// What is measured of the callbacks of a spec; nil where nothing is.
  func metrics(of spec: ChannelSpec) -> CallbackMetrics? {
    callbackMetrics.isEmpty ? nil : callbackMetrics[spec.index]
  }

  /// What the server counts, as OpenMetrics text.
  package var metricsText: String { MetricsText.text(of: self) }

  /// Whether the server takes new clients, for load balancers.
  package var health: (isOK: Bool, text: String) { isDraining ? (false, "draining\n") : (true, "ok\n") }

  /// A page of the server, as it is now.
  package func page(_ page: ServerPage) -> (isOK: Bool, contentType: String, text: String) {
    switch page {
    case .metrics: return (true, MetricsText.contentType, metricsText)
    case .health:
      let (isOK, text) = health
      return (isOK, "text/plain; charset=utf-8", text)
    }
  }
}
