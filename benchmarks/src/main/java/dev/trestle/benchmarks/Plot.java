package dev.trestle.benchmarks;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;

/** A plot of the cost over a number that is part of the measurement's name. Both axes are logarithmic. */
enum Plot {
    SWITCH("Switch between coroutines", "switch among (\\d+)", "coroutines", "ns per switch"),
    TIMERS("Timers", "timers (\\d+)", "timers", "ns per timer"),
    WORKERS("Small calls on a process pool", "pipelined, (\\d+) workers?", "workers", "calls per second"),
    PAYLOAD("A payload there and back", "payload of (\\d+) bytes", "bytes", "ns per call"),
    QUEUE("Calls queued at once", "queue of (\\d+)", "calls", "ns per call");

    private final String title;
    private final Pattern name;
    private final String x;
    private final String y;

    Plot(String title, String name, String x, String y) {
        this.title = title;
        this.name = Pattern.compile(name);
        this.x = x;
        this.y = y;
    }

    String title() {
        return title;
    }

    private record Point(double x, double y) {}

    /** Returns whether there was anything to plot. */
    boolean write(List<Result> results, Path file) throws IOException {
        XYChart chart = new XYChartBuilder()
                .width(720)
                .height(420)
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .build();
        chart.getStyler()
                .setXAxisLogarithmic(true)
                .setYAxisLogarithmic(true)
                .setPlotGridLinesStroke(new BasicStroke(0.5f)) // a dashed one would be thousands of shapes
                .setChartBackgroundColor(Color.WHITE);
        boolean any = false;
        for (Subject subject : Subject.values()) {
            List<Point> points = points(subject, results);
            if (points.size() > 1) {
                any = true;
                chart.addSeries(
                        subject.toString(),
                        points.stream().mapToDouble(Point::x).toArray(),
                        points.stream().mapToDouble(Point::y).toArray());
            }
        }
        if (any) {
            VectorGraphicsEncoder.saveVectorGraphic(chart, file.toString(), VectorGraphicsFormat.SVG);
        }
        return any;
    }

    private List<Point> points(Subject subject, List<Result> results) {
        return results.stream()
                .filter(result -> result.subject() == subject)
                .mapMulti((Result result, Consumer<Point> into) -> {
                    Matcher matcher = name.matcher(result.name());
                    if (matcher.matches()) {
                        into.accept(new Point(Double.parseDouble(matcher.group(1)), result.value()));
                    }
                })
                .sorted(Comparator.comparingDouble(Point::x))
                .toList();
    }
}
