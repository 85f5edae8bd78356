/* The channels that the load generator drives. */
#ifndef HOST_CHANNELS_H
#define HOST_CHANNELS_H

#include <synq.h>

/* counter:* - {count: 0}; `inc` adds 1, `set` {count} sets it, `same` changes nothing. */
synq_channel_options_t counter_channel(void);

/* big:* - {items: 1000 x {id, title, done, tags[3]}}; `toggle` {i} flips `done` by an edit at a pointer. */
synq_channel_options_t big_channel(void);

/* bigtext:* - the same, but the whole list is handed over as text, and the library finds the flip. */
synq_channel_options_t bigtext_channel(void);

/* room:* - {room, user, topic, messages: []}; `say` {text, id} reaches all members, each of which keeps the
 * last 20 messages, the newest first. */
synq_channel_options_t room_channel(void);

/* shared:* - {room, topic, messages: []}, one state for the whole room; `say` {text, id} puts it first, the last 20 are
 * kept. */
synq_channel_options_t shared_channel(void);

#endif
