package dev.trestle.loop;

/** What a turn runs: a coroutine that goes on, or a callback. */
sealed interface Ready permits Task, Handle {}
