/*
 * synq.hpp - libsynq for C++17: owners for what synq.h gives out, exceptions for its error codes.
 *
 * SPDX-License-Identifier: MIT
 *
 * Header only and optional: it calls nothing but synq.h, whose comments say what each function does and when; here is
 * only what differs.
 *
 *     struct Counter : synq::Channel {
 *       void init(synq::Socket socket, std::string_view, synq::Value) override { socket.assign("count", 0); }
 *
 *       void handle_event(synq::Socket socket, std::string_view event, synq::Value) override {
 *         if (event != "inc") throw synq::ClientError("unknown_event");
 *         socket.reply("ok", synq::Json::object({{"count", socket.increment("/count")}}));
 *       }
 *     };
 *
 *     int main() {
 *       synq::ServerOptions options;
 *       options.port = 4000;
 *       synq::Server server(options);
 *       server.channel("counter:*", {{"count"}}, std::make_shared<Counter>());
 *       server.start();
 *       server.run();
 *     }
 *
 * ERRORS
 *
 *   A call that fails throws synq::Error. A callback may throw: a synq::ClientError is the answer to the client, and the
 *   channel goes on; anything else ends the channel as SYNQ_CRASH does, with what() in the log. No exception ever passes
 *   through the library. Reading what a client did not send, or sent as another kind, is that client's mistake: Value throws
 *   the ClientError "invalid_payload".
 *
 * OWNERSHIP
 *
 *   Json, Deferred and Server own and can only be moved. Socket, Value and Connection are
 *   as cheap to copy as a pointer. A Socket may be kept: once its channel is gone, calls throw SYNQ_ECLOSED. A Value
 *   lives as long as the callback that it was given to.
 */
#ifndef SYNQ_HPP
#define SYNQ_HPP

#include <synq/server.hpp>
#include <synq/socket.hpp>
#include <synq/value.hpp>

#endif /* SYNQ_HPP */
