import SynqChannels

/// What the channels of a loop share of the last messages that went to several of them.
///
/// A channel that is slow keeps the messages that wait for it, and with them what others made of these. So that this is
/// little whatever waits, all but the work of the last messages is given up.
struct RecentWork {
  private struct Entry {
    weak var work: SharedWork?
  }

  private static let maxMessages = 16

  private var entries: [Entry] = []
  /// The place of the oldest, once all are taken.
  private var oldest = 0

  /// Takes up a message's work in place of the oldest.
  mutating func add(_ work: SharedWork) {
    guard entries.count == Self.maxMessages else { return entries.append(Entry(work: work)) }
    entries[oldest].work?.giveUp()
    entries[oldest] = Entry(work: work)
    oldest = (oldest + 1) % Self.maxMessages
  }
}
