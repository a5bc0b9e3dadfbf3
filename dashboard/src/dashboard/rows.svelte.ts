// How tall a row of a list is: on a phone it has a second line.

import { MediaQuery } from 'svelte/reactivity';

const phone = new MediaQuery('max-width: 700px');

/** Pixels, as the style sheets of the lists have it. */
export const rowHeight = () => (phone.current ? 50 : 34);
