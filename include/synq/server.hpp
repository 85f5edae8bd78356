/*
 * synq/server.hpp - Server and its options, Connection, and the patch engine alone. Part of synq.hpp.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SYNQ_SERVER_HPP
#define SYNQ_SERVER_HPP

#include <synq/socket.hpp>

#include <climits>
#include <vector>

namespace synq {

/* ------------------------------------------------------------------------------------------------------------
 * Connections
 * --------------------------------------------------------------------------------------------------------- */

/* Throw it from `connect` to refuse: an HTTP status (400-599) and a body. */
class Refused : public std::runtime_error {
public:
  explicit Refused(int status = 403, const std::string &body = {})
      : std::runtime_error(body), status_(status) {}
  int status() const noexcept {
    return status_;
  }

private:
  int status_;
};

class DeferredConnection;

/* A client that asks to be connected; each method is synq_connection_ and its name. Inside `connect` only. */
class Connection {
public:
  explicit Connection(synq_connection_t *raw) noexcept : raw_(raw) {}

  /* Borrowed until the callback returns; nothing where the client sent none. */
  std::optional<std::string_view> header(Name name) const {
    return view(synq_connection_header(raw_, name));
  }
  std::optional<std::string_view> token() const {
    return view(synq_connection_token(raw_));
  }
  std::string_view peer() const {
    return view(synq_connection_peer(raw_)).value_or("");
  }
  void set_id(Name id) {
    check(synq_connection_set_id(raw_, id));
  }
  void assign(Name name, Data value) {
    value.give([&](json_t *json) { return synq_connection_assign(raw_, name, json); },
               [&](const char *text, size_t n) { return synq_connection_assign_text(raw_, name, text, n); });
  }

  /* The decision comes later, from any thread: see DeferredConnection. */
  DeferredConnection defer();

  synq_connection_t *get() const noexcept {
    return raw_;
  }

private:
  static std::optional<std::string_view> view(const char *text) {
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
  }

  synq_connection_t *raw_;
};

/* A client that waits for a decision. One that is destroyed before it got one is answered with 500. */
class DeferredConnection {
public:
  explicit DeferredConnection(synq_connection_t *raw) noexcept : raw_(raw) {}
  DeferredConnection(DeferredConnection &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  DeferredConnection &operator=(DeferredConnection &&other) noexcept {
    if (this != &other) {
      drop();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  ~DeferredConnection() {
    drop();
  }

  /* What is known of the client, and what it is given; until the decision. */
  Connection connection() const noexcept {
    return Connection(raw_);
  }
  void accept() {
    finish(SYNQ_OK);
  }
  void refuse(const Refused &refused = Refused()) {
    check(synq_connection_refuse(raw_, refused.status(), refused.what()));
    finish(SYNQ_REFUSE);
  }

private:
  void finish(int result) {
    check(synq_connection_finish(std::exchange(raw_, nullptr), result));
  }
  void drop() noexcept {
    if (raw_ != nullptr) synq_connection_finish(raw_, synq_crash("a deferred connection was dropped"));
  }

  synq_connection_t *raw_;
};

inline DeferredConnection Connection::defer() {
  check(synq_connection_defer(raw_));
  return DeferredConnection(raw_);
}

/* ------------------------------------------------------------------------------------------------------------
 * Options: the structs of synq.h with members that own. Empty and 0 are the defaults.
 * --------------------------------------------------------------------------------------------------------- */

struct ServerOptions {
  std::string host;
  uint16_t port = 0;
  synq_delivery_t delivery = SYNQ_WORKERS;
  uint32_t workers = 0;
  uint32_t loops = 0;
  synq_limits_t limits = SYNQ_LIMITS_INIT;
  std::string tls_certificate;
  std::string tls_key;
  synq_tls_version_t tls_minimum_version = SYNQ_TLS_1_2;
  std::string cluster;
  synq_log_level_t log_level = SYNQ_LOG_WARNING;
  /* As synq_log_fn; it must not call the library. What it throws is dropped. */
  std::function<void(const synq_log_record_t &)> log;
  std::vector<std::string> allowed_hosts = {};
};

struct ChannelOptions {
  std::vector<std::string> track;
  uint32_t max_version = 0;
  synq_dialect_t dialect = SYNQ_DIALECT_SYNQ;
  /* Nothing drops the default, "__meta__". */
  std::optional<std::vector<std::string>> ignore_keys = std::nullopt;
  std::vector<std::string> intercept = {};
  bool allow_prototype_keys = false;
  /* Default: the dialect's messages. */
  std::shared_ptr<MessageBuilder> message_builder = nullptr;
  PresenceOptions presence = {};
};

struct MountOptions {
  std::vector<std::string> origins;
  /* Decides instead of `origins`. */
  std::function<bool(std::string_view origin)> check_origin = nullptr;
  /* Returns to let the client in; throws Refused, or a ClientError for 403 with its message. */
  std::function<void(Connection, Value params)> connect = nullptr;
  std::vector<std::string> subprotocols = {};
  bool longpoll = true;
  uint32_t longpoll_window_ms = 0;
  std::string pattern = {};
  std::optional<synq_limits_t> limits = std::nullopt;
  bool compress = false;
};

namespace detail {

/* An array of C strings, ended by NULL, that lasts as long as the strings. */
class Names {
public:
  explicit Names(const std::vector<std::string> &names) {
    for (const std::string &name : names) texts_.push_back(name.c_str());
    texts_.push_back(nullptr);
  }
  const char *const *get() const noexcept {
    return texts_.data();
  }
  /* NULL when there is none, which means the default. */
  const char *const *get_or_default() const noexcept {
    return texts_.size() > 1 ? texts_.data() : nullptr;
  }

private:
  std::vector<const char *> texts_;
};

inline const char *text_or_default(const std::string &text) noexcept {
  return text.empty() ? nullptr : text.c_str();
}

template <typename T> void destroy(void *user) noexcept {
  delete static_cast<T *>(user);
}

} // namespace detail

/* ------------------------------------------------------------------------------------------------------------
 * Server
 * --------------------------------------------------------------------------------------------------------- */

/* A server: each method is synq_server_ and its name. Its end stops it, waits for callbacks and lets go of everything
 * that it was given; it must not be destroyed inside one of its callbacks. */
class Server {
public:
  explicit Server(const ServerOptions &options = {}) {
    using Log = std::function<void(const synq_log_record_t &)>;
    synq_server_options_t raw = SYNQ_SERVER_OPTIONS_INIT;
    raw.host = detail::text_or_default(options.host);
    raw.port = options.port;
    raw.delivery = options.delivery;
    raw.workers = options.workers;
    raw.loops = options.loops;
    raw.limits = &options.limits;
    raw.tls_certificate = detail::text_or_default(options.tls_certificate);
    raw.tls_key = detail::text_or_default(options.tls_key);
    raw.tls_minimum_version = options.tls_minimum_version;
    raw.cluster = detail::text_or_default(options.cluster);
    raw.log_level = options.log_level;
    const detail::Names allowed_hosts(options.allowed_hosts);
    raw.allowed_hosts = allowed_hosts.get_or_default();
    if (options.log) {
      raw.user = new Log(options.log);
      raw.destroy = detail::destroy<Log>;
      raw.log = [](const synq_log_record_t *record, void *user) {
        try {
          (*static_cast<Log *>(user))(*record);
        } catch (...) {
          /* A log that fails has nobody to tell. */
        }
      };
    }
    check(synq_server_new(&raw_, &raw));
  }
  /* A server that was moved from has no server: only its end and an assignment are allowed. */
  Server(Server &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Server &operator=(Server &&other) noexcept {
    if (this != &other) synq_server_free(std::exchange(raw_, std::exchange(other.raw_, nullptr)));
    return *this;
  }
  ~Server() {
    synq_server_free(raw_);
  }

  template <typename Type, std::enable_if_t<std::is_convertible_v<Type *, Channel *>, int> = 0>
  void channel(Name pattern, const ChannelOptions &options, std::shared_ptr<Type> channel) {
    if (channel == nullptr) throw Error(SYNQ_EINVAL, "channel: is NULL");
    add(pattern, options, std::move(channel), true);
  }
  /* Without handle_message, a message to such a channel is a warning in the log. */
  void channel(Name pattern, const ChannelOptions &options, Callbacks callbacks) {
    bool hears = callbacks.handle_message != nullptr;
    add(pattern, options, std::make_shared<detail::CallbackChannel>(std::move(callbacks)), hears);
  }

  void mount(Name path, const MountOptions &options = {}) {
    synq_mount_options_t raw = SYNQ_MOUNT_OPTIONS_INIT;
    const detail::Names origins(options.origins), subprotocols(options.subprotocols);
    raw.origins = origins.get_or_default();
    raw.subprotocols = subprotocols.get_or_default();
    raw.longpoll = options.longpoll ? SYNQ_ON : SYNQ_OFF;
    raw.longpoll_window_ms = options.longpoll_window_ms;
    raw.pattern = detail::text_or_default(options.pattern);
    raw.limits = options.limits ? &*options.limits : nullptr;
    raw.compress = options.compress;
    if (options.connect || options.check_origin) {
      raw.user = new MountOptions(options);
      raw.destroy = detail::destroy<MountOptions>;
    }
    if (options.check_origin) {
      raw.check_origin = [](const char *origin, void *user) -> int {
        try {
          return static_cast<MountOptions *>(user)->check_origin(origin) ? SYNQ_OK : SYNQ_REFUSE;
        } catch (const std::exception &error) {
          return synq_crash(error.what());
        } catch (...) {
          return synq_crash("an exception that is no std::exception");
        }
      };
    }
    if (options.connect) {
      raw.connect = [](synq_connection_t *connection, const synq_value_t *params, void *user) -> int {
        try {
          static_cast<MountOptions *>(user)->connect(Connection(connection), Value::of_client(params));
          return SYNQ_OK;
        } catch (const Refused &refused) {
          int result = synq_connection_refuse(connection, refused.status(), refused.what());
          return result == SYNQ_OK ? SYNQ_REFUSE : result;
        } catch (const ClientError &error) {
          int result = synq_connection_refuse(connection, 403, error.what());
          return result == SYNQ_OK ? SYNQ_REFUSE : result;
        } catch (const std::exception &error) {
          return synq_crash(error.what());
        } catch (...) {
          return synq_crash("an exception that is no std::exception");
        }
      };
    }
    check(synq_server_mount(raw_, path, &raw));
  }
  /* synq_server_static(). */
  void files(Name prefix, Name directory) {
    check(synq_server_static(raw_, prefix, directory));
  }

  void start() {
    check(synq_server_start(raw_));
  }
  uint16_t port() const {
    return static_cast<uint16_t>(check(synq_server_port(raw_)));
  }
  void run() {
    check(synq_server_run(raw_));
  }
  /* Without a timeout: no end. */
  void stop(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    check(synq_server_stop(raw_, milliseconds(timeout)));
  }
  /* False when the time passed before the stop was complete. */
  bool wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
    int result = synq_server_wait(raw_, milliseconds(timeout));
    if (result != SYNQ_ETIMEDOUT) check(result);
    return result == SYNQ_OK;
  }
  /* The number of callbacks that ran; nothing once the server has stopped and no more will come. */
  std::optional<int> poll(std::optional<std::chrono::milliseconds> timeout = std::nullopt, int max = 0) {
    int result = synq_server_poll(raw_, milliseconds(timeout), max);
    if (result == SYNQ_ECLOSED) return std::nullopt;
    return check(result);
  }
  int fd() {
    return check(synq_server_fd(raw_));
  }

  void broadcast(Name topic, Name event, Payload payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_server_broadcast(raw_, topic, event, json); },
        [&](const char *text, size_t n) { return synq_server_broadcast_text(raw_, topic, event, text, n); },
        [&](const void *data, size_t n) {
          return synq_server_broadcast_binary(raw_, topic, event, data, n);
        });
  }
  void publish(Name topic, Name message, Data payload = Text{"{}"}) {
    payload.give(
        [&](json_t *json) { return synq_server_publish(raw_, topic, message, json); },
        [&](const char *text, size_t n) { return synq_server_publish_text(raw_, topic, message, text, n); });
  }
  /* Who is in a topic, {"ann": {"metas": [...]}}. */
  Json presences(Name topic) const {
    json_t *list;
    check(synq_server_presence_list(raw_, topic, &list));
    return Json::adopt(list);
  }
  /* {"metas": [...]}; nothing if nobody is there. */
  std::optional<Json> presence(Name topic, Name key) const {
    json_t *presence;
    int result = synq_server_presence_get(raw_, topic, key, &presence);
    if (result == SYNQ_ENOTFOUND) return std::nullopt;
    check(result);
    return Json::adopt(presence);
  }
  void disconnect(Name id) {
    check(synq_server_disconnect(raw_, id));
  }
  void reload_tls() {
    check(synq_server_reload_tls(raw_));
  }
  synq_stats_t stats() const {
    synq_stats_t stats = SYNQ_STATS_INIT;
    check(synq_server_stats(raw_, &stats));
    return stats;
  }

  synq_server_t *get() const noexcept {
    return raw_;
  }

private:
  void add(const char *pattern, const ChannelOptions &options, std::shared_ptr<Channel> channel, bool hears) {
    synq_channel_options_t raw = SYNQ_CHANNEL_OPTIONS_INIT;
    const detail::Names track(options.track), intercept(options.intercept);
    const detail::Names ignored(options.ignore_keys.value_or(std::vector<std::string>()));
    raw.track = track.get();
    raw.intercept = intercept.get();
    if (options.ignore_keys) raw.ignore_keys = ignored.get();
    raw.max_version = options.max_version;
    raw.dialect = options.dialect;
    raw.allow_prototype_keys = options.allow_prototype_keys;
    detail::bind(raw);
    if (!hears) raw.handle_message = nullptr;
    if (options.message_builder) detail::bind_message_builder(raw);
    detail::bind_presence(raw, options.presence);
    raw.user = new detail::Registration{std::move(channel), options.message_builder, options.presence};
    raw.destroy = detail::destroy<detail::Registration>;
    check(synq_server_channel(raw_, pattern, &raw));
  }

  static int milliseconds(std::optional<std::chrono::milliseconds> timeout) noexcept {
    if (!timeout) return -1;
    if (timeout->count() > INT_MAX) return INT_MAX;
    return timeout->count() < 0 ? 0 : static_cast<int>(timeout->count());
  }

  synq_server_t *raw_ = nullptr;
};

/* ------------------------------------------------------------------------------------------------------------
 * The patch engine alone
 * --------------------------------------------------------------------------------------------------------- */

/* The patch (RFC 6902) that turns `from` into `to`. */
inline Json diff(const Json &from, const Json &to) {
  json_t *patch;
  check(synq_patch_diff(from.get(), to.get(), &patch));
  return Json::adopt(patch);
}

/* The same between two values of a callback: a MessageBuilder's. */
inline Json diff(Value from, Value to) {
  json_t *patch;
  check(synq_value_diff(from.get(), to.get(), &patch));
  return Json::adopt(patch);
}

/* What `patch` makes of `document`. */
inline Json apply(const Json &document, const Json &patch) {
  json_t *result;
  check(synq_patch_apply(document.get(), patch.get(), &result));
  return Json::adopt(result);
}

} // namespace synq

#endif /* SYNQ_SERVER_HPP */
