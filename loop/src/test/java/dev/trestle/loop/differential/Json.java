package dev.trestle.loop.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The part of JSON that programs and traces need: lists, whole numbers, and strings without escapes. */
final class Json {

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static String write(Object value) {
        return switch (value) {
            case List<?> list -> list.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
            case String string -> '"' + string + '"';
            case Statement statement -> write(statement.items());
            default -> value.toString();
        };
    }

    /** Reads a list. */
    static List<Object> read(String text) {
        var json = new Json(text);
        json.skipSpace();
        List<Object> list = json.list();
        json.skipSpace();
        if (json.at < text.length()) {
            throw json.unexpected();
        }
        return list;
    }

    private List<Object> list() {
        var list = new ArrayList<>();
        expect('[');
        skipSpace();
        while (peek() != ']') {
            list.add(value());
            skipSpace();
            if (peek() == ',') {
                at++;
                skipSpace();
            }
        }
        at++;
        return list;
    }

    private Object value() {
        return switch (peek()) {
            case '[' -> list();
            case '"' -> string();
            default -> number();
        };
    }

    private String string() {
        expect('"');
        int end = text.indexOf('"', at);
        if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
            throw unexpected();
        }
        String string = text.substring(at, end);
        at = end + 1;
        return string;
    }

    private Integer number() {
        int start = at;
        while (peek() == '-' || Character.isDigit(peek())) {
            at++;
        }
        if (start == at) {
            throw unexpected();
        }
        return Integer.valueOf(text.substring(start, at));
    }

    private void skipSpace() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private void expect(char wanted) {
        if (peek() != wanted) {
            throw unexpected();
        }
        at++;
    }

    private char peek() {
        if (at == text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException(
                "Not a list of lists, whole numbers and plain strings at " + at + ": " + text);
    }
}
