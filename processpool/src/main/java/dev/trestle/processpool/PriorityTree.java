package dev.trestle.processpool;

import org.jspecify.annotations.Nullable;

/**
 * Calls in the order of their priorities, higher ones first, and of their numbers within one priority. Guarded by the
 * dispatcher's lock.
 *
 * <p>A treap: a search tree that is a heap by the weights of its nodes, which are hashes of the calls' numbers. So it
 * is as deep as a random tree, whatever the priorities are, and adding and removing any call take O(log n). The nodes
 * are made with their calls, so nothing here needs memory.
 */
final class PriorityTree {

    /** The place of a call in the tree; part of the call. */
    static final class Node {
        private final PoolCall<?> call;
        private final int priority;
        private final long number;
        private final long weight;
        private @Nullable Node parent;
        private @Nullable Node left;
        private @Nullable Node right;

        /**
         * @param number tells the call from others; the smaller one goes first within one priority
         */
        Node(PoolCall<?> call, int priority, long number) {
            this.call = call;
            this.priority = priority;
            this.number = number;
            this.weight = hash(number);
        }

        /** Returns the number as SplitMix64 scrambles it, so that neighbours have weights that look random. */
        private static long hash(long number) {
            long mixed = (number ^ (number >>> 30)) * 0xbf58476d1ce4e5b9L;
            mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
            return mixed ^ (mixed >>> 31);
        }

        int priority() {
            return priority;
        }

        private boolean isBefore(Node other) {
            return priority == other.priority ? number < other.number : priority > other.priority;
        }
    }

    private @Nullable Node root;

    /** Adds a node that is in no tree. */
    void add(Node node) {
        Node parent = null;
        Node at = root;
        while (at != null) {
            parent = at;
            at = node.isBefore(at) ? at.left : at.right;
        }
        node.parent = parent;
        if (parent == null) {
            root = node;
        } else if (node.isBefore(parent)) {
            parent.left = node;
        } else {
            parent.right = node;
        }
        for (Node above = node.parent; above != null && above.weight < node.weight; above = node.parent) {
            lift(node, above);
        }
    }

    /** Removes a node that is in this tree. */
    void remove(Node node) {
        for (Node child = heavierChild(node); child != null; child = heavierChild(node)) {
            lift(child, node);
        }
        replaceInParent(node, null);
        node.parent = null;
    }

    /** Returns the call of the highest priority, the one with the smallest number among several; null if empty. */
    @Nullable
    PoolCall<?> first() {
        Node node = root;
        if (node == null) {
            return null;
        }
        for (Node left = node.left; left != null; left = left.left) {
            node = left;
        }
        return node.call;
    }

    private static @Nullable Node heavierChild(Node node) {
        Node left = node.left;
        Node right = node.right;
        if (left == null || right == null) {
            return left == null ? right : left;
        }
        return left.weight > right.weight ? left : right;
    }

    /** Rotates a node above its parent; the order stays. */
    private void lift(Node node, Node parent) {
        replaceInParent(parent, node);
        node.parent = parent.parent;
        parent.parent = node;
        Node moved;
        if (parent.left == node) {
            moved = node.right;
            parent.left = moved;
            node.right = parent;
        } else {
            moved = node.left;
            parent.right = moved;
            node.left = parent;
        }
        if (moved != null) {
            moved.parent = parent;
        }
    }

    private void replaceInParent(Node node, @Nullable Node successor) {
        Node parent = node.parent;
        if (parent == null) {
            root = successor;
        } else if (parent.left == node) {
            parent.left = successor;
        } else {
            parent.right = successor;
        }
    }

    @Override
    public String toString() {
        return "PriorityTree[first=" + first() + "]";
    }
}
