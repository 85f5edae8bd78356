extension JSON {
  /// The value that starts at `place`, as a view into this value's memory. O(1).
  ///
  /// - Precondition: a value within this one starts there; a key counts as a string.
  package func view(at place: UnsafeRawPointer) -> JSON { JSON(storage: storage, start: place) }
}
