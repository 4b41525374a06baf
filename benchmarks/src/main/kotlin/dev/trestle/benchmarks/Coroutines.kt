/** What do Kotlin's coroutines cost? The same shapes as LoopProgram, under the same names. */
package dev.trestle.benchmarks

import java.lang.management.ManagementFactory
import java.util.Locale
import java.util.concurrent.Executors
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield

private class Measurement(val name: String, val unit: String, val repetitions: Int, val measure: () -> Double)

private val measurements = listOf(
    Measurement("suspended, bytes", "B", 1) { suspended(1_000_000).first },
    Measurement("suspended, time", "ns", 1) { suspended(1_000_000).second },
    Measurement("switch among 2", "ns", 10) { switching(2, 400_000) },
    Measurement("switch among 100", "ns", 7) { switching(100, 400_000) },
    Measurement("switch among 10000", "ns", 5) { switching(10_000, 1_000_000) },
    Measurement("switch among 1000000", "ns", 1) { switching(1_000_000, 3_000_000) },
    Measurement("create and await", "ns", 10) { createAndAwait(200_000) },
    Measurement("300000 at once", "ns", 8) { atOnce(300_000) },
    Measurement("await a thread's call", "ns", 8) { awaitThread(20_000) },
    Measurement("await a blocking call", "ns", 8) { awaitBlocking(20_000) },
)

fun main(arguments: Array<String>) {
    val rest = arguments.drop(1)
    val isWanted = { name: String, words: List<String> -> words.isEmpty() || words.any { name.contains(it) } }
    when (arguments.firstOrNull()) {
        "--names" -> measurements.map { it.name }.filter { isWanted(it, rest) }.forEach(::println)
        "--only" -> measurements.filter { it.name == rest.first() }.forEach(::print)
        else -> measurements.filter { isWanted(it.name, arguments.toList()) }.forEach(::print)
    }
}

private fun print(line: Measurement) {
    val best = (1..line.repetitions).minOf { line.measure() }
    println(String.format(Locale.ROOT, "%s\t%.6g\t%s", line.name, best, line.unit))
}

private fun switching(tasks: Int, switches: Int): Double = runBlocking {
    val each = switches / tasks
    val start = CompletableDeferred<Unit>()
    val all = List(tasks) {
        launch {
            start.await()
            repeat(each) { yield() }
        }
    }
    yield()
    val begin = System.nanoTime()
    start.complete(Unit)
    all.forEach { it.join() }
    (System.nanoTime() - begin) / (each.toDouble() * tasks)
}

private fun createAndAwait(times: Int): Double = runBlocking {
    val begin = System.nanoTime()
    repeat(times) { async { 1 }.await() }
    (System.nanoTime() - begin) / times.toDouble()
}

private fun atOnce(times: Int): Double = runBlocking {
    val begin = System.nanoTime()
    val all = ArrayList<Deferred<Int>>()
    repeat(times) { all.add(async { 1 }) }
    all.forEach { it.await() }
    (System.nanoTime() - begin) / times.toDouble()
}

private fun suspended(count: Int): Pair<Double, Double> = runBlocking {
    val future = CompletableDeferred<Int>()
    val all = ArrayList<Deferred<Int>>(count)
    val before = reachableBytes()
    val begin = System.nanoTime()
    repeat(count) { all.add(async { future.await() }) }
    yield()
    val nanos = (System.nanoTime() - begin) / count.toDouble()
    val bytes = (reachableBytes() - before) / count.toDouble()
    future.complete(1)
    all.forEach { it.await() }
    Pair(bytes, nanos)
}

private fun reachableBytes(): Long {
    val memory = ManagementFactory.getMemoryMXBean()
    memory.gc()
    memory.gc()
    return memory.heapMemoryUsage.used
}

private fun awaitThread(times: Int): Double = Executors.newFixedThreadPool(1).asCoroutineDispatcher().use { pool ->
    runBlocking {
        val begin = System.nanoTime()
        repeat(times) { withContext(pool) { 1 } }
        (System.nanoTime() - begin) / times.toDouble()
    }
}

private fun awaitBlocking(times: Int): Double = runBlocking {
    val begin = System.nanoTime()
    repeat(times) { withContext(Dispatchers.IO) { 1 } }
    (System.nanoTime() - begin) / times.toDouble()
}
