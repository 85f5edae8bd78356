/*
 * synq/socket.hpp - what callbacks are given, and what they are: Socket, Deferred, Channel. Part of synq.hpp.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SYNQ_SOCKET_HPP
#define SYNQ_SOCKET_HPP

#include <synq/value.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>

namespace synq {

/* ------------------------------------------------------------------------------------------------------------
 * Responding later
 * --------------------------------------------------------------------------------------------------------- */

/* A response that is given later, once, from any thread. One that is destroyed before it was finished crashes its channel:
 * nobody else would answer, and the client joins again. */
class Deferred {
public:
  explicit Deferred(synq_deferred_t *raw) noexcept : raw_(raw) {}
  Deferred(Deferred &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Deferred &operator=(Deferred &&other) noexcept {
    if (this != &other) {
      drop();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  ~Deferred() {
    drop();
  }

  /* False once it is finished, or its channel ends: then the work can be given up. */
  bool is_open() const noexcept {
    return synq_deferred_is_open(raw_) == 1;
  }

  /* What throws leaves it unfinished, unless with SYNQ_ECLOSED: something else can be answered. */
  void finish() {
    check(synq_deferred_finish(open()));
    release();
  }
  void reply(Name status, Payload payload = Text{"{}"}) {
    synq_deferred_t *raw = open();
    payload.give(
        [&](json_t *json) { return synq_deferred_reply(raw, status, json); },
        [&](const char *text, size_t n) { return synq_deferred_reply_text(raw, status, text, n); },
        [&](const void *bytes, size_t n) { return synq_deferred_reply_binary(raw, status, bytes, n); });
    release();
  }
  void reply(const ClientError &error) {
    check(synq_deferred_reply_error_text(open(), error.code(), error.what(), error.details(),
                                         SYNQ_NUL_TERMINATED));
    release();
  }
  /* As a callback that failed; `cause` is for the log. */
  void crash(Name cause) {
    check(synq_deferred_crash(open(), cause));
    release();
  }

  /* Gives the ticket away: it must then be finished by a function of synq.h. */
  synq_deferred_t *release() noexcept {
    return std::exchange(raw_, nullptr);
  }

private:
  synq_deferred_t *open() const {
    if (raw_ == nullptr) throw Error(SYNQ_ECLOSED, "deferred: it was finished before");
    return raw_;
  }
  void drop() noexcept {
    if (raw_ != nullptr) synq_deferred_crash(raw_, "a deferred response was dropped");
  }

  synq_deferred_t *raw_;
};

/* ------------------------------------------------------------------------------------------------------------
 * Sockets
 * --------------------------------------------------------------------------------------------------------- */

/* One client's channel: each method is synq_socket_ and its name. */
class Socket {
public:
  explicit Socket(synq_socket_t *raw) noexcept : raw_(raw) {}

  /* What it is. Borrowed until the callback returns; "" for what there is not. */
  std::string_view topic() const noexcept {
    return view(synq_socket_topic(raw_));
  }
  std::string_view join_ref() const noexcept {
    return view(synq_socket_join_ref(raw_));
  }
  std::string_view id() const noexcept {
    return view(synq_socket_id(raw_));
  }
  std::string_view peer() const noexcept {
    return view(synq_socket_peer(raw_));
  }
  std::string_view header(Name name) const noexcept {
    return view(synq_socket_header(raw_, name));
  }
  Value params() const noexcept {
    return Value::of_client(synq_socket_params(raw_));
  }

  /* An object of the host's that lives as long as the channel. */
  template <typename T, typename... Arguments> T &emplace_data(Arguments &&...arguments) {
    auto data = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    T &reference = *data;
    check(synq_socket_set_data(raw_, data.release(), [](void *raw) { delete static_cast<T *>(raw); }));
    return reference;
  }
  /* That object, which must be a T, or NULL. */
  template <typename T> T *data() const noexcept {
    return static_cast<T *>(synq_socket_data(raw_));
  }

  /* All assigns, as one object; valid until the next change or the callback's end. */
  Value all_assigns() const noexcept {
    return Value(synq_socket_all_assigns(raw_));
  }
  void assign(Name name, Data value) {
    value.give([&](json_t *json) { return synq_socket_assign(raw_, name, json); },
               [&](const char *text, size_t n) { return synq_socket_assign_text(raw_, name, text, n); });
  }
  void set(Name pointer, Data value) {
    value.give([&](json_t *json) { return synq_socket_set(raw_, pointer, json); },
               [&](const char *text, size_t n) { return synq_socket_set_text(raw_, pointer, text, n); });
  }
  void insert(Name pointer, Data value) {
    value.give([&](json_t *json) { return synq_socket_insert(raw_, pointer, json); },
               [&](const char *text, size_t n) { return synq_socket_insert_text(raw_, pointer, text, n); });
  }
  void append(Name pointer, Data value) {
    value.give([&](json_t *json) { return synq_socket_append(raw_, pointer, json); },
               [&](const char *text, size_t n) { return synq_socket_append_text(raw_, pointer, text, n); });
  }
  /* The same with a part of a value that was lent, without a conversion. */
  void set(Name pointer, Value value, Name from = "") {
    check(synq_socket_set_value(raw_, pointer, value.raw(), from));
  }
  void insert(Name pointer, Value value, Name from = "") {
    check(synq_socket_insert_value(raw_, pointer, value.raw(), from));
  }
  void append(Name pointer, Value value, Name from = "") {
    check(synq_socket_append_value(raw_, pointer, value.raw(), from));
  }
  /* Many changes at once, all or none: members of an object, or a patch of RFC 6902. */
  void merge(Name pointer, Data members) {
    members.give([&](json_t *json) { return synq_socket_merge(raw_, pointer, json); },
                 [&](const char *text, size_t n) { return synq_socket_merge_text(raw_, pointer, text, n); });
  }
  void patch(Name pointer, Data patch) {
    patch.give([&](json_t *json) { return synq_socket_patch(raw_, pointer, json); },
               [&](const char *text, size_t n) { return synq_socket_patch_text(raw_, pointer, text, n); });
  }
  void remove(Name pointer) {
    check(synq_socket_remove(raw_, pointer));
  }
  int64_t increment(Name pointer, int64_t by = 1) {
    int64_t sum;
    check(synq_socket_increment(raw_, pointer, by, &sum));
    return sum;
  }

  void push(Name event, Payload payload = Text{"{}"}) {
    payload.give([&](json_t *json) { return synq_socket_push(raw_, event, json); },
                 [&](const char *text, size_t n) { return synq_socket_push_text(raw_, event, text, n); },
                 [&](const void *bytes, size_t n) { return synq_socket_push_binary(raw_, event, bytes, n); });
  }
  void reply(Name status, Payload payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_socket_reply(raw_, status, json); },
        [&](const char *text, size_t n) { return synq_socket_reply_text(raw_, status, text, n); },
        [&](const void *bytes, size_t n) { return synq_socket_reply_binary(raw_, status, bytes, n); });
  }
  void reply(const ClientError &error) {
    check(
        synq_socket_reply_error_text(raw_, error.code(), error.what(), error.details(), SYNQ_NUL_TERMINATED));
  }
  /* In a MessageBuilder only, once. */
  void state_message(Name event, Data payload) {
    payload.give(
        [&](json_t *json) { return synq_socket_state_message(raw_, event, json); },
        [&](const char *text, size_t n) { return synq_socket_state_message_text(raw_, event, text, n); });
  }
  void stop(Name reason = "normal") {
    check(synq_socket_stop(raw_, reason));
  }
  /* The response comes later, and the channel waits for it; detached: only the reply is late. */
  Deferred defer() {
    return defer(SYNQ_DEFER_IN_ORDER);
  }
  Deferred defer_detached() {
    return defer(SYNQ_DEFER_DETACHED);
  }

  void send(Name message, Data payload = Text{"{}"}) {
    payload.give([&](json_t *json) { return synq_socket_send(raw_, message, json); },
                 [&](const char *text, size_t n) { return synq_socket_send_text(raw_, message, text, n); });
  }
  void send_after(std::chrono::milliseconds delay, Name message, Data payload = Text{"{}"}) {
    if (delay.count() < 0 || delay.count() > UINT32_MAX)
      throw Error(SYNQ_EINVAL, "delay: is not in 0...2^32-1 ms");
    auto ms = static_cast<uint32_t>(delay.count());
    payload.give(
        [&](json_t *json) { return synq_socket_send_after(raw_, ms, message, json); },
        [&](const char *text, size_t n) { return synq_socket_send_after_text(raw_, ms, message, text, n); });
  }
  void broadcast(Name event, Payload payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_socket_broadcast(raw_, event, json); },
        [&](const char *text, size_t n) { return synq_socket_broadcast_text(raw_, event, text, n); },
        [&](const void *bytes, size_t n) { return synq_socket_broadcast_binary(raw_, event, bytes, n); });
  }
  void broadcast_from(Name event, Payload payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_socket_broadcast_from(raw_, event, json); },
        [&](const char *text, size_t n) { return synq_socket_broadcast_from_text(raw_, event, text, n); },
        [&](const void *data, size_t n) { return synq_socket_broadcast_from_binary(raw_, event, data, n); });
  }
  void publish(Name message, Data payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_socket_publish(raw_, message, json); },
        [&](const char *text, size_t n) { return synq_socket_publish_text(raw_, message, text, n); });
  }
  void publish_from(Name message, Data payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_socket_publish_from(raw_, message, json); },
        [&](const char *text, size_t n) { return synq_socket_publish_from_text(raw_, message, text, n); });
  }
  void subscribe(Name topic) {
    check(synq_socket_subscribe(raw_, topic));
  }
  void unsubscribe(Name topic) {
    check(synq_socket_unsubscribe(raw_, topic));
  }

  /* Who is here; see "Presence" in synq.h. These give the meta's phx_ref. */
  std::string track(Name key, Data meta = Text{"{}"}) {
    char ref[SYNQ_PRESENCE_REF_BYTES];
    meta.give([&](json_t *json) { return synq_presence_track(raw_, key, json, ref); },
              [&](const char *text, size_t n) { return synq_presence_track_text(raw_, key, text, n, ref); });
    return ref;
  }
  std::string update_presence(Name key, Data meta) {
    char ref[SYNQ_PRESENCE_REF_BYTES];
    meta.give([&](json_t *json) { return synq_presence_update(raw_, key, json, ref); },
              [&](const char *text, size_t n) { return synq_presence_update_text(raw_, key, text, n, ref); });
    return ref;
  }
  void untrack(Name key) {
    check(synq_presence_untrack(raw_, key));
  }
  /* To the client of a channel that tracks no key. */
  void show_presences() {
    check(synq_presence_show(raw_));
  }
  /* {"ann": {"metas": [...]}} */
  Json presences() const {
    json_t *list;
    check(synq_presence_list(raw_, &list));
    return Json::adopt(list);
  }
  /* {"metas": [...]}; nothing if nobody is there. */
  std::optional<Json> presence(Name key) const {
    json_t *presence;
    int result = synq_presence_get(raw_, key, &presence);
    if (result == SYNQ_ENOTFOUND) return std::nullopt;
    check(result);
    return Json::adopt(presence);
  }

  synq_socket_t *get() const noexcept {
    return raw_;
  }
  friend bool operator==(Socket a, Socket b) noexcept {
    return a.raw_ == b.raw_;
  }
  friend bool operator!=(Socket a, Socket b) noexcept {
    return a.raw_ != b.raw_;
  }

private:
  static std::string_view view(const char *text) noexcept {
    return text == nullptr ? "" : text;
  }
  Deferred defer(int mode) {
    synq_deferred_t *deferred;
    check(synq_socket_defer(raw_, mode, &deferred));
    return Deferred(deferred);
  }

  synq_socket_t *raw_;
};

/* ------------------------------------------------------------------------------------------------------------
 * Channels
 * --------------------------------------------------------------------------------------------------------- */

/* What a server does for the clients that join a topic. One object serves every channel of its pattern, from several
 * threads at once with SYNQ_WORKERS; what belongs to one client is in its socket. See the callbacks of synq.h. */
class Channel {
public:
  virtual ~Channel() = default;

  /* Throw a ClientError to refuse. Default: every client may join. */
  virtual void authorize(Socket, std::string_view /* topic */, Value /* params */) {}
  /* Default: no assigns. */
  virtual void init(Socket, std::string_view /* topic */, Value /* params */) {}
  /* Default: the error unknown_event. */
  virtual void handle_event(Socket, std::string_view event, Value /* payload */) {
    throw ClientError("unknown_event", "there is no event \"" + std::string(event) + "\"");
  }
  /* Default: nothing. */
  virtual void handle_message(Socket, std::string_view /* topic */, std::string_view /* message */,
                              Value /* payload */) {}
  /* Default: nothing. */
  virtual void before_close(Socket, std::string_view /* reason */) {}
};

/* A channel of functions, for those that need no class. What is empty does what Channel does. */
struct Callbacks {
  std::function<void(Socket, std::string_view topic, Value params)> authorize;
  std::function<void(Socket, std::string_view topic, Value params)> init;
  std::function<void(Socket, std::string_view event, Value payload)> handle_event;
  std::function<void(Socket, std::string_view topic, std::string_view message, Value payload)> handle_message;
  std::function<void(Socket, std::string_view reason)> before_close;
};

/* What a channel says about who is here, for all of its topics: see the callbacks of synq.h. */
struct PresenceOptions {
  /* What is shown of keys beside their metas, {"ann": {"name": "Ann"}}. What it throws is logged. */
  std::function<Data(std::string_view topic, Value presences)> fetch = nullptr;
  /* The first channel of a key came, or the last one went. What it throws is lost: it has nobody to tell. */
  std::function<void(std::string_view topic, std::string_view key, bool is_present)> changed = nullptr;
  /* The assign that is kept to who is here; then clients get no presence messages. */
  std::string assign = {};
  uint32_t max_keys = 0;
  uint32_t max_bytes = 0;
};

/* Builds the messages that carry state, in place of the dialect's; each calls socket.state_message(), now or deferred. */
class MessageBuilder {
public:
  virtual ~MessageBuilder() = default;
  virtual void new_state(Socket, Value state, uint32_t version) = 0;
  /* See diff() for the operations between the two. */
  virtual void update_state(Socket, Value from, Value to, uint32_t version) = 0;
};

namespace detail {

/* What the callbacks of a registered channel share. */
struct Registration {
  std::shared_ptr<Channel> channel;
  std::shared_ptr<MessageBuilder> message_builder;
  PresenceOptions presence;
};

class CallbackChannel final : public Channel {
public:
  explicit CallbackChannel(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  void authorize(Socket socket, std::string_view topic, Value params) override {
    if (callbacks_.authorize) callbacks_.authorize(socket, topic, params);
  }
  void init(Socket socket, std::string_view topic, Value params) override {
    if (callbacks_.init) callbacks_.init(socket, topic, params);
  }
  void handle_event(Socket socket, std::string_view event, Value payload) override {
    if (!callbacks_.handle_event) return Channel::handle_event(socket, event, payload);
    callbacks_.handle_event(socket, event, payload);
  }
  void handle_message(Socket socket, std::string_view topic, std::string_view message,
                      Value payload) override {
    if (callbacks_.handle_message) callbacks_.handle_message(socket, topic, message, payload);
  }
  void before_close(Socket socket, std::string_view reason) override {
    if (callbacks_.before_close) callbacks_.before_close(socket, reason);
  }

private:
  Callbacks callbacks_;
};

/* Runs a callback; what it throws becomes a result. */
template <typename Body> int guard(synq_socket_t *socket, bool answers, Body body) noexcept {
  try {
    body();
    return SYNQ_OK;
  } catch (const ClientError &error) {
    if (!answers) return synq_crash(error.what());
    int result = synq_socket_reply_error_text(socket, error.code(), error.what(), error.details(),
                                              SYNQ_NUL_TERMINATED);
    /* It has answered already, or deferred: the cause is this, not that. */
    return result == SYNQ_ESTATE ? synq_crash(error.what()) : result;
  } catch (const std::exception &error) {
    return synq_crash(error.what());
  } catch (...) {
    return synq_crash("an exception that is no std::exception");
  }
}

inline Channel &channel(void *user) noexcept {
  return *static_cast<Registration *>(user)->channel;
}

inline MessageBuilder &message_builder(void *user) noexcept {
  return *static_cast<Registration *>(user)->message_builder;
}

/* The message callbacks of a channel whose user is a Registration that has a builder. */
inline void bind_message_builder(synq_channel_options_t &options) noexcept {
  options.new_state = [](synq_socket_t *socket, const synq_value_t *state, uint32_t version, void *user) {
    return guard(socket, false,
                 [&] { message_builder(user).new_state(Socket(socket), Value(state), version); });
  };
  options.update_state = [](synq_socket_t *socket, const synq_value_t *from, const synq_value_t *to,
                            uint32_t version, void *user) {
    return guard(socket, false, [&] {
      message_builder(user).update_state(Socket(socket), Value(from), Value(to), version);
    });
  };
}

/* The presence callbacks of a channel whose user is a Registration that has them. */
inline void bind_presence(synq_channel_options_t &options, const PresenceOptions &presence) noexcept {
  options.presence = presence.assign.empty() ? nullptr : presence.assign.c_str();
  options.max_presence_keys = presence.max_keys;
  options.max_presence_bytes = presence.max_bytes;
  if (presence.fetch) {
    options.fetch_presence = [](synq_fetch_t *fetch, const char *topic, const synq_value_t *presences,
                                void *user) -> int {
      try {
        Data additions = static_cast<Registration *>(user)->presence.fetch(topic, Value(presences));
        additions.give([&](json_t *json) { return synq_fetch_finish(fetch, json); },
                       [&](const char *text, size_t n) { return synq_fetch_finish_text(fetch, text, n); });
        return SYNQ_OK;
      } catch (const std::exception &error) {
        return synq_crash(error.what());
      } catch (...) {
        return synq_crash("an exception that is no std::exception");
      }
    };
  }
  if (presence.changed) {
    options.presence_changed = [](const char *topic, const char *key, int is_present, void *user) {
      try {
        static_cast<Registration *>(user)->presence.changed(topic, key, is_present != 0);
      } catch (...) {
        /* It has nobody to tell. */
      }
    };
  }
}

/* The callbacks of a channel whose user is a Registration. */
inline void bind(synq_channel_options_t &options) noexcept {
  options.authorize = [](synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
    return guard(socket, true,
                 [&] { channel(user).authorize(Socket(socket), topic, Value::of_client(params)); });
  };
  options.init = [](synq_socket_t *socket, const char *topic, const synq_value_t *params, void *user) {
    return guard(socket, true, [&] { channel(user).init(Socket(socket), topic, Value::of_client(params)); });
  };
  options.handle_event = [](synq_socket_t *socket, const char *event, const synq_value_t *payload,
                            void *user) {
    return guard(socket, true,
                 [&] { channel(user).handle_event(Socket(socket), event, Value::of_client(payload)); });
  };
  options.handle_message = [](synq_socket_t *socket, const char *topic, const char *message,
                              const synq_value_t *payload, void *user) {
    return guard(socket, false,
                 [&] { channel(user).handle_message(Socket(socket), topic, message, Value(payload)); });
  };
  options.before_close = [](synq_socket_t *socket, const char *reason, void *user) {
    guard(socket, false, [&] { channel(user).before_close(Socket(socket), reason); });
  };
}

} // namespace detail

} // namespace synq

#endif /* SYNQ_SOCKET_HPP */
