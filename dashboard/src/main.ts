import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });

// After the first paint: the page stands in the system's face until Inter is here.
requestAnimationFrame(() => void import('./fonts.css'));
