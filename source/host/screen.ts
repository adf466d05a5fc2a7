const enterAlternateScreen = '\u001b[?1049h';
const leaveAlternateScreen = '\u001b[?1049l';
// Terminals do not agree on the width of all characters, such as people of several parts: a row that is longer there
// than here ends at the window's edge, and does not push those below it out of place.
const cutRows = '\u001b[?7l';
const breakRows = '\u001b[?7h';
// Modes of the terminal (cursor, pastes, screens), which must be set and taken back at any time; but for
// synchronized output, which only brackets a drawing.
const modes = new RegExp(`${'\u001b'}\\[\\?(?!2026)[\\d;]+[hl]`, 'g');
const eraseAndHome = '\u001b[2J\u001b[H';

/** How long (ms) a window must keep its size before it is drawn: longer than Ink takes to lay it out anew. */
const settleMs = 40;

/**
 * A terminal's output for Ink, on which each full drawing begins in the upper left corner of an empty
 * screen. Ink draws relative to where the cursor is: on the alternate screen that is where the shell had
 * it, and after a resize wherever the terminal has moved it. So what Ink draws while a window changes is
 * kept back; then it is told of a window that is narrower by a column, for which it forgets what it drew
 * before, and draws all of it.
 */
export function steadyScreen(stdout: NodeJS.WriteStream): NodeJS.WriteStream {
	// In the order in which they came: the first one is Ink's own, the others lay out what it draws.
	const listeners = new Set<() => void>();
	let told: number | undefined;
	let last = stdout.columns;
	let settling: NodeJS.Timeout | undefined;
	let isShown = false;
	let isKeptBack = false;
	const resized = () => {
		clearTimeout(settling);
		// Suspended: the screen is somebody else's, and all of ours is drawn on the way back.
		settling = isShown ? setTimeout(drawAll, settleMs) : undefined;
		isKeptBack = true;
		for (const listener of [...listeners]) listener();
		isKeptBack = settling !== undefined;
	};
	const drawAll = () => {
		settling = undefined;
		isKeptBack = false;
		const [ink] = listeners;
		stdout.write(eraseAndHome);
		told = Math.max(1, Math.min(last, stdout.columns) - 1);
		ink?.();
		told = undefined;
		last = stdout.columns;
		ink?.();
	};
	const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
		if (typeof chunk !== 'string') return Reflect.apply(stdout.write, stdout, [chunk, ...rest]);
		if (chunk.includes(enterAlternateScreen)) isShown = true;
		if (chunk.includes(leaveAlternateScreen)) stopShowing();
		const kept = isKeptBack ? (chunk.match(modes) ?? []).join('') : chunk;
		const set = kept
			.replace(enterAlternateScreen, `$&${cutRows}${eraseAndHome}`)
			.replace(leaveAlternateScreen, `${breakRows}$&`);
		return Reflect.apply(stdout.write, stdout, [set, ...rest]);
	};
	const stopShowing = () => {
		isShown = false;
		isKeptBack = false;
		clearTimeout(settling);
		settling = undefined;
	};
	const on = (listener: () => void) => {
		if (listeners.size === 0) {
			stdout.on('resize', resized);
			// A window that was another for a moment only is of the size that it was, but no longer shows the same.
			process.on('SIGWINCH', resized);
		}
		listeners.add(listener);
	};
	const off = (listener: () => void) => {
		listeners.delete(listener);
		if (listeners.size > 0) return;
		stdout.off('resize', resized);
		process.off('SIGWINCH', resized);
		stopShowing();
	};
	const proxy: NodeJS.WriteStream = new Proxy(stdout, {
		get(target, property) {
			if (property === 'columns') return told ?? target.columns;
			if (property === 'write') return write;
			if (property === 'on' || property === 'off') {
				return (event: string, listener: () => void) => {
					if (event !== 'resize') target[property](event, listener);
					else if (property === 'on') on(listener);
					else off(listener);
					return proxy;
				};
			}
			const value: unknown = Reflect.get(target, property, target);
			return typeof value === 'function' ? value.bind(target) : value;
		},
	});
	return proxy;
}
