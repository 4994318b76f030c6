/** JSX without a build: `html` makes Preact's elements of a template. */
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
