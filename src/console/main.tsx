// The console in the browser: signed in or not, and the page that the address names.
import { render } from 'preact';
import './style.css';
import { Console } from './parts/console.tsx';

const place = document.getElementById('console');
if (place !== null) render(<Console />, place);
