/** The snippets of the page "With other languages and libraries", as tests. */
package dev.trestle.libraries;
