import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });

// When there is nothing better to do: the page stands in the system's face until Inter is here, and the numbers come first.
const idle = (then: () => void) => ('requestIdleCallback' in window ? requestIdleCallback(then, { timeout: 2000 }) : setTimeout(then, 200));
addEventListener('load', () => idle(() => void import('./fonts.css')));
