package guests

import dev.trestle.api.Call
import dev.trestle.loop.Async.await
import dev.trestle.loop.Async.createTask
import dev.trestle.loop.Coroutine
import dev.trestle.loop.EventLoop
import dev.trestle.processpool.CallNotSerializableException
import dev.trestle.processpool.ProcessPool

data class Point(val x: Int, val y: Int)

data class Line(val from: Point, val to: Point, val names: List<String> = listOf())

data class Counted(val name: String) {
    var count = 0
}

data class Hidden(private val secret: Int, internal val text: String?)

@JvmInline
value class Id(val id: Int)

data class WithId(val id: Id, val size: UInt)

sealed class Shape

data class Circle(val center: Point, val radius: Double) : Shape()

object Origin

data class Derived(val x: Int) {
    val doubled = x * 2
}

class Plain(val x: Int)

fun values(pool: ProcessPool) {
    val p = Point(1, 2)
    println(pool.submit(Call { Point(p.x + 1, p.y) }).result())
    println(pool.submit(Call { Line(p, p, listOf("a", "b")) }).result())
    println(pool.submit(Call { Line(p, p) }).result())
    println(pool.submit(Call { p to "two" }).result())
    println(pool.submit(Call { Triple(p, 1, listOf(p)) }).result())
    println(pool.submit(Call<Any> { p }).result())
    println(pool.submit(Call { Counted("counted").also { it.count = 3 } }).result().count)
    println(pool.submit(Call { Hidden(1, null) }).result())
    println(pool.submit(Call { WithId(Id(3), 4u) }).result())
    println(pool.submit(Call<Shape> { Circle(p, 1.5) }).result())
    println(pool.submit(Call { mapOf(p to listOf(p to 1)) }).result())
    println(pool.submit(Call { Origin }).result() === Origin)
    println(pool.submit(Call { setOf<Int>() }).result())
    var count = 0
    try {
        pool.submit(Call { count++ })
    } catch (e: CallNotSerializableException) {
        println(e.message)
    }
    for (refused in listOf<Call<Any>>(Call { Derived(1) }, Call { Plain(1) })) {
        println(pool.submit(refused).exception().get().message)
    }
}

fun main() {
    ProcessPool(1).use { pool ->
        values(pool)
    }
    calls()
    tasks()
}

fun calls() {
    ProcessPool(2).use { pool ->
        val start = Point(1, 2)
        val moved = pool.submit(Call { start.copy(x = 40) }).result()
        val sum = pool.supplyAsync { moved.x to 2 }
            .thenCompose(pool.async { (a, b) -> a + b })
            .join()
        println("$moved $sum")
        println(pool.map({ n: Int -> n * n }, listOf(1, 2, 3)).toList())
    }
}

fun tasks() {
    val answer = EventLoop.run(Coroutine {
        val a = createTask(Coroutine { 40 })
        await(a) + 2
    })
    println(answer)
}
