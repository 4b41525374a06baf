package dev.trestle.examples.documents;

/**
 * The preview of a document.
 *
 * @param format the name of the format, such as {@code PDF}
 * @param pages the number of pages; 1 for an image
 * @param width the width of the image in pixels, or of the first page in points
 * @param height the height
 * @param text the beginning of the text; empty for an image
 * @param thumbnail a small picture of the image or of the first page, as JPEG
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Preview(String format, int pages, int width, int height, String text, byte[] thumbnail) implements Result {}
