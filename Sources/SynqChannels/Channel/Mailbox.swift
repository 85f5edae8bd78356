/// How many messages of the server wait for the channels of one socket.
final class MailCount {
  fileprivate(set) var messages = 0
}

/// What waits for a channel, first in, first out; empty most of the time.
///
/// A message with a key takes the place of one with the same key: the old one leaves a hole, the new one goes to the end.
struct Mailbox {
  private var items: [ChannelMachine.Mail?] = []
  private var head = 0
  /// Items before `items` that were taken: what an item's place is counted from, which so stays the same.
  private var taken = 0
  /// Items behind `head` that are there no more.
  private var holes = 0
  /// Where the messages with a key wait.
  private var places: [Topic: Int] = [:]
  private let total: MailCount
  /// Of all that waits.
  private(set) var bytes = 0
  /// Messages of the server among what waits.
  private(set) var messages = 0
  /// Whether it was told that messages wait longer than they should; not any more when none does.
  var isLagTold = false

  /// - Parameter total: counts the messages of all mailboxes of a socket.
  init(_ total: MailCount) { self.total = total }

  var count: Int { items.count - head - holes }

  /// What the client sent among what waits, and a stop.
  var events: Int { count - messages }

  mutating func append(_ mail: ChannelMachine.Mail) {
    if case .message(let message) = mail, let key = message.key {
      if let old = places[key] { dig(old - taken) }
      places[key] = taken + items.count
    }
    items.append(mail)
    tally(mail, 1)
    if holes > 64, holes * 2 > items.count - head { closeHoles() }
  }

  /// Puts something before all that waits.
  mutating func prepend(_ mail: ChannelMachine.Mail) {
    if head > 0 {
      head -= 1
      items[head] = mail
    } else {
      items.insert(mail, at: 0)
      taken -= 1
    }
    tally(mail, 1)
  }

  mutating func popFirst() -> ChannelMachine.Mail? {
    while head < items.count {
      let mail = items[head].take()
      head += 1
      defer { freeTaken() }
      guard let mail else {
        holes -= 1
        continue
      }
      if case .message(let message) = mail, let key = message.key { places[key] = nil }
      tally(mail, -1)
      return mail
    }
    return nil
  }

  /// Whether a message would take the place of one that waits.
  func replaces(_ message: HostMessage) -> Bool { message.key.map { places[$0] != nil } ?? false }

  /// Removes the message of a timer, if it waits. O(1) when no message does.
  mutating func removeMessage(ofTimer timer: UInt64) {
    guard messages > 0 else { return }
    let place = items[head...].firstIndex { item in
      if case .message(let message)? = item { message.timer == timer } else { false }
    }
    if let place { dig(place) }
  }

  /// Empties the mailbox and returns what was in it.
  mutating func removeAll() -> [ChannelMachine.Mail] {
    let waiting = items[head...].compactMap(\.self)
    total.messages -= messages
    self = Mailbox(total)
    return waiting
  }

  private mutating func dig(_ place: Int) {
    guard let mail = items[place].take() else { return }
    tally(mail, -1)
    holes += 1
  }

  private mutating func freeTaken() {
    if head == items.count {
      taken += items.count
      items.removeAll(keepingCapacity: items.capacity <= 16)
      head = 0
    } else if head >= 64, head * 2 >= items.count {
      items.removeFirst(head)
      taken += head
      head = 0
    }
  }

  private mutating func closeHoles() {
    items = items[head...].filter { $0 != nil }
    head = 0
    holes = 0
    taken = 0
    for (place, item) in items.enumerated() {
      if case .message(let message)? = item, let key = message.key { places[key] = place }
    }
  }

  private mutating func tally(_ mail: ChannelMachine.Mail, _ sign: Int) {
    bytes += sign * mail.bytes
    switch mail {
    case .message, .update: messages += sign
    case .event, .refresh, .leave, .join, .stop: return
    }
    total.messages += sign
    if messages == 0 { isLagTold = false }
  }
}
