/// A socket that was granted while its server was already taken down: it hears nothing and says nothing until the
/// network closes it a moment later.
final class LateSocket: SocketReceiver {
  func receive(text: UnsafeRawBufferPointer) {}
  func receive(binary: UnsafeRawBufferPointer) {}
  func readBurstEnded() {}
  func transportBecameWritable() {}
  func transportClosed(reason: String) {}
}
