/*
 * synq/value.hpp - errors, and JSON values to make and to read. Part of synq.hpp.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SYNQ_VALUE_HPP
#define SYNQ_VALUE_HPP

#include <synq.h>

#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace synq {

/* ------------------------------------------------------------------------------------------------------------
 * Errors
 * --------------------------------------------------------------------------------------------------------- */

/* A call of the library failed: a SYNQ_E… code, and what() says which argument and why. */
class Error : public std::runtime_error {
public:
  explicit Error(int code, const std::string &message = synq_error_message())
      : std::runtime_error(message.empty() ? synq_strerror(code) : message), code_(code) {}

  int code() const noexcept {
    return code_;
  }

private:
  int code_;
};

/* Gives a result that is no error, and throws one that is. */
inline int check(int result) {
  if (result < 0) throw Error(result);
  return result;
}

/* ------------------------------------------------------------------------------------------------------------
 * Arguments
 * --------------------------------------------------------------------------------------------------------- */

/* A string that C sees ended by NUL: of a literal or a std::string without a copy, of a view with one. Throws SYNQ_EINVAL
 * for a string that has a NUL inside. */
class Name {
public:
  Name(const char *text) : text_(text) {}
  Name(const std::string &text) : text_(whole(text)) {}
  Name(std::string_view text) : copy_(text), text_(whole(copy_)) {}
  Name(const Name &) = delete;
  Name &operator=(const Name &) = delete;

  operator const char *() const noexcept {
    return text_;
  }

private:
  static const char *whole(const std::string &text) {
    if (text.find('\0') != std::string::npos) throw Error(SYNQ_EINVAL, "a name or pointer has a NUL inside");
    return text.c_str();
  }

  std::string copy_;
  const char *text_;
};

/* JSON that is text already; borrowed during the call that it is given to. */
struct Text {
  std::string_view json;
};

/* The payload of a binary message; borrowed likewise. */
struct Bytes {
  const void *data;
  size_t size;
};

/* A json_t of one's own. An empty one, made by default, is no value and is not allowed where a value is asked for. */
class Json {
public:
  struct Member;

  Json() noexcept = default;
  Json(std::nullptr_t) : Json(adopt(json_null())) {}
  /* Of bool alone: every pointer, a json_t * too, would convert to one. */
  template <typename T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0>
  Json(T value) : Json(adopt(json_boolean(value))) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Json(T value) : Json(adopt(json_integer(static_cast<json_int_t>(value)))) {
    static_assert(std::is_signed_v<T> || sizeof(T) < sizeof(json_int_t),
                  "does not fit every uint64_t: cast it");
  }
  /* Throws SYNQ_EJSON for what is not finite. */
  Json(double value) : Json(adopt(json_real(value))) {}
  /* Throws SYNQ_EJSON for what is not UTF-8. */
  Json(std::string_view text) : Json(adopt(json_stringn(text.data(), text.size()))) {}
  Json(const std::string &text) : Json(std::string_view(text)) {}
  Json(const char *text) : Json(std::string_view(text)) {}
  Json(Json &&other) noexcept : raw_(other.release()) {}
  Json &operator=(Json &&other) noexcept {
    if (this != &other) json_decref(std::exchange(raw_, other.release()));
    return *this;
  }
  ~Json() {
    json_decref(raw_);
  }

  /* Takes over a new reference; throws when it is NULL, as jansson's makers return for what they cannot make. */
  static Json adopt(json_t *value) {
    if (value == nullptr) throw Error(SYNQ_EJSON, "json: there is no such value");
    Json json;
    json.raw_ = value;
    return json;
  }
  /* Shares a value that somebody else owns. */
  static Json share(json_t *value) {
    return adopt(json_incref(value));
  }
  static Json parse(std::string_view text) {
    json_error_t error;
    json_t *value = json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (value == nullptr) throw Error(SYNQ_EJSON, error.text);
    return adopt(value);
  }
  static Json array(std::initializer_list<Json> elements = {});
  static Json object(std::initializer_list<Member> members = {});

  /* Of an object or an array; both take the value over. */
  Json &set(Name name, Json value) {
    if (json_object_set_new(raw_, name, value.release()) != 0) throw Error(SYNQ_ETYPE, "json: not an object");
    return *this;
  }
  Json &append(Json value) {
    if (json_array_append_new(raw_, value.release()) != 0) throw Error(SYNQ_ETYPE, "json: not an array");
    return *this;
  }

  std::string text() const {
    std::unique_ptr<char, decltype(&std::free)> text(json_dumps(raw_, JSON_COMPACT | JSON_ENCODE_ANY),
                                                     &std::free);
    if (text == nullptr) throw Error(SYNQ_EJSON, "json: it has no text");
    return text.get();
  }

  explicit operator bool() const noexcept {
    return raw_ != nullptr;
  }
  json_t *get() const noexcept {
    return raw_;
  }
  /* Gives the reference away, to a function that steals it. */
  json_t *release() noexcept {
    return std::exchange(raw_, nullptr);
  }

private:
  json_t *raw_ = nullptr;
};

struct Json::Member {
  const char *name;
  Json value;
};

inline Json Json::array(std::initializer_list<Json> elements) {
  Json array = adopt(json_array());
  for (const Json &element : elements) array.append(share(element.get()));
  return array;
}

inline Json Json::object(std::initializer_list<Member> members) {
  Json object = adopt(json_object());
  for (const Member &member : members) object.set(member.name, share(member.value.get()));
  return object;
}

inline bool operator==(const Json &a, const Json &b) {
  return json_equal(a.get(), b.get()) != 0;
}
inline bool operator!=(const Json &a, const Json &b) {
  return !(a == b);
}

/* What an assign is set to, or a message between channels carries: a Json, anything that makes one, or Text. */
class Data {
public:
  template <typename T, std::enable_if_t<std::is_constructible_v<Json, T &&>, int> = 0>
  Data(T &&value) : json_(std::forward<T>(value)) {}
  Data(Text text) : text_(text.json) {}

  template <typename ForJson, typename ForText> void give(ForJson for_json, ForText for_text) {
    check(json_ ? for_json(json_.release()) : for_text(text_.data(), text_.size()));
  }

private:
  Json json_;
  std::string_view text_;
};

/* What a client is sent: as Data, or Bytes. */
class Payload {
public:
  template <typename T, std::enable_if_t<std::is_constructible_v<Data, T &&>, int> = 0>
  Payload(T &&value) : data_(std::forward<T>(value)) {}
  Payload(Bytes bytes) : data_(Text{"{}"}), bytes_(bytes) {}

  template <typename ForJson, typename ForText, typename ForBytes>
  void give(ForJson for_json, ForText for_text, ForBytes for_bytes) {
    if (bytes_) {
      check(for_bytes(bytes_->data, bytes_->size));
    } else {
      data_.give(for_json, for_text);
    }
  }

private:
  Data data_;
  std::optional<Bytes> bytes_;
};

/* An error that a client is told: throw it from authorize, init or handle_event. */
class ClientError : public std::runtime_error {
public:
  /* A stable name for programs, a sentence for people (default: the code), an object or nothing. */
  explicit ClientError(const std::string &code, const std::string &message = {}, const Json &details = Json())
      : std::runtime_error(message.empty() ? code : message), code_(code),
        details_(details ? details.text() : "") {}

  const char *code() const noexcept {
    return code_.c_str();
  }
  /* JSON text, or NULL. */
  const char *details() const noexcept {
    return details_.empty() ? nullptr : details_.c_str();
  }

private:
  std::string code_;
  std::string details_;
};

/* ------------------------------------------------------------------------------------------------------------
 * Reading values
 * --------------------------------------------------------------------------------------------------------- */

/* A payload, params or assigns. Pointers are as in synq.h: "" is the value itself, "/items/3/title" a part of it.
 *
 * Reading what is not there, or is of another kind, throws an Error. In what a client sent, a payload or params, it is that
 * client's mistake: there it throws the ClientError "invalid_payload" with the place, which answers, and the channel goes on. */
class Value {
public:
  explicit Value(const synq_value_t *raw) noexcept : raw_(raw) {}
  /* What a client sent. */
  static Value of_client(const synq_value_t *raw) noexcept {
    Value value(raw);
    value.is_of_client_ = true;
    return value;
  }

  const synq_value_t *raw() const noexcept {
    return raw_;
  }

  synq_kind_t kind(Name pointer = "") const {
    return static_cast<synq_kind_t>(checked(synq_value_kind(raw_, pointer), pointer));
  }
  bool has(Name pointer) const {
    return synq_value_kind(raw_, pointer) >= 0;
  }
  size_t size(Name pointer = "") const {
    int64_t size = synq_value_size(raw_, pointer);
    if (size < 0) checked(static_cast<int>(size), pointer);
    return static_cast<size_t>(size);
  }

  /* The value at a pointer as an integer of any size (one that does not fit is SYNQ_ERANGE), double, bool,
   * std::string_view (which lives as long as the value), std::string or Json. */
  template <typename T> T get(Name pointer = "") const {
    std::optional<T> value;
    checked(read(pointer, value), pointer);
    return std::move(*value);
  }
  /* The same, and nothing where the pointer names no value. One of another kind is an error. */
  template <typename T> std::optional<T> find(Name pointer) const {
    std::optional<T> value;
    int result = read(pointer, value);
    if (result != SYNQ_ENOTFOUND) checked(result, pointer);
    return value;
  }
  /* The elements of an array or the members of an object, in order. What they give lives as long as the value.
   *
   *     for (auto [name, score] : payload.parts("/scores")) total += score.get<int>(); */
  struct Part;
  class Parts;
  Parts parts(const std::string &pointer = {}) const;

  /* Compact JSON text; lives as long as the value. */
  std::string_view text(Name pointer = "") const {
    const char *text;
    size_t length;
    checked(synq_value_get_text(raw_, pointer, &text, &length), pointer);
    return {text, length};
  }
  /* Of a binary message; live as long as the value. */
  Bytes bytes() const {
    Bytes bytes{};
    checked(synq_value_get_bytes(raw_, &bytes.data, &bytes.size), "");
    return bytes;
  }

  const synq_value_t *get() const noexcept {
    return raw_;
  }

private:
  int checked(int result, const char *pointer) const {
    if (result < 0) fail(result, synq_error_message(), pointer);
    return result;
  }
  [[noreturn]] void fail(int code, const std::string &message, const char *pointer) const {
    if (is_of_client_ && (code == SYNQ_ENOTFOUND || code == SYNQ_ETYPE || code == SYNQ_ERANGE))
      throw ClientError("invalid_payload", message, Json::object({{"path", pointer}}));
    throw Error(code, message);
  }
  template <typename T> static bool fits(int64_t value) noexcept {
    if constexpr (std::is_signed_v<T>) {
      return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
    } else {
      return value >= 0 && static_cast<uint64_t>(value) <= std::numeric_limits<T>::max();
    }
  }
  template <typename T> int read(const char *pointer, std::optional<T> &out) const {
    int result;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      int64_t value;
      if ((result = synq_value_get_int(raw_, pointer, &value)) == SYNQ_OK) {
        if (!fits<T>(value)) fail(SYNQ_ERANGE, std::string(pointer) + ": the integer does not fit", pointer);
        out = static_cast<T>(value);
      }
    } else if constexpr (std::is_same_v<T, double>) {
      double value;
      if ((result = synq_value_get_real(raw_, pointer, &value)) == SYNQ_OK) out = value;
    } else if constexpr (std::is_same_v<T, bool>) {
      int value;
      if ((result = synq_value_get_bool(raw_, pointer, &value)) == SYNQ_OK) out = value != 0;
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
      const char *text;
      size_t length;
      if ((result = synq_value_get_string(raw_, pointer, &text, &length)) == SYNQ_OK)
        out.emplace(text, length);
    } else {
      static_assert(std::is_same_v<T, Json>,
                    "an integer, double, bool, std::string, std::string_view or Json");
      json_t *value;
      if ((result = synq_value_get_json(raw_, pointer, &value)) == SYNQ_OK) out = Json::adopt(value);
    }
    return result;
  }

  const synq_value_t *raw_;
  bool is_of_client_ = false;
};

/* An element of an array, whose name is "", or a member of an object. */
struct Value::Part {
  std::string_view name;
  Value value;
};

/* The parts of a value, for a range-based loop. */
class Value::Parts {
public:
  class Iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Part;
    using difference_type = std::ptrdiff_t;
    using pointer = const Part *;
    using reference = Part;

    Iterator(const Parts *parts, size_t index) noexcept : parts_(parts), index_(index) {}
    Part operator*() const {
      return (*parts_)[index_];
    }
    Iterator &operator++() noexcept {
      ++index_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      return {parts_, index_++};
    }
    friend bool operator==(const Iterator &a, const Iterator &b) noexcept {
      return a.index_ == b.index_;
    }
    friend bool operator!=(const Iterator &a, const Iterator &b) noexcept {
      return a.index_ != b.index_;
    }

  private:
    const Parts *parts_;
    size_t index_;
  };

  Parts(const Value &value, std::string pointer)
      : value_(value), pointer_(std::move(pointer)), size_(value.size(pointer_)) {}

  size_t size() const noexcept {
    return size_;
  }
  Part operator[](size_t index) const {
    const char *name;
    const synq_value_t *raw;
    size_t length;
    value_.checked(synq_value_member(value_.raw_, pointer_.c_str(), index, &name, &length, &raw),
                   pointer_.c_str());
    Part part{name == nullptr ? std::string_view() : std::string_view(name, length), Value(raw)};
    part.value.is_of_client_ = value_.is_of_client_;
    return part;
  }
  Iterator begin() const noexcept {
    return {this, 0};
  }
  Iterator end() const noexcept {
    return {this, size_};
  }

private:
  Value value_;
  std::string pointer_;
  size_t size_;
};

inline Value::Parts Value::parts(const std::string &pointer) const {
  return Parts(*this, pointer);
}

} // namespace synq

#endif /* SYNQ_VALUE_HPP */
