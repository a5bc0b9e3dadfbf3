import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });

// With the first frame, not before it: the page stands in the system's face until Inter is here. Any later, and letters would change
// under the eyes of whoever reads the numbers already.
requestAnimationFrame(() => void import('./fonts.css'));
