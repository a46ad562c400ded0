// Main: fonts, tokens, the live channel, and the screen the address names.

import './fonts.css';
import './tokens.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { begin } from './data/browser';
import { follow } from './data/route.svelte';
import { tongue } from './data/words.svelte';

document.documentElement.lang = tongue.lang;

const root = document.getElementById('app');
if (!root) throw new Error('index.html has no element #app: the page was changed without its script');
follow();
mount(App, { target: root });
begin();
