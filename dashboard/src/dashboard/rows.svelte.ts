// The height of a list's rows: on a phone they have a second line.

import { MediaQuery } from 'svelte/reactivity';

const phone = new MediaQuery('max-width: 700px');

/** Pixels, as in the style sheets of the lists. */
export const rowHeight = () => (phone.current ? 50 : 34);
