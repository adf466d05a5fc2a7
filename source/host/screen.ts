const enterAlternateScreen = '\u001b[?1049h';
const eraseAndHome = '\u001b[2J\u001b[H';

/**
 * A terminal's output for Ink, on which each full drawing begins in the upper left corner of an empty
 * screen. Ink draws relative to where the cursor is: on the alternate screen that is where the shell had
 * it, and after a resize wherever the terminal has moved it. It also takes a window that is made larger,
 * or small for a moment, to show what it drew before; so it is first told of a narrower one, for which it
 * forgets that, and then of the true one.
 */
export function steadyScreen(stdout: NodeJS.WriteStream): NodeJS.WriteStream {
	const listeners = new Set<() => void>();
	let told: number | undefined;
	let last = stdout.columns;
	const tellAll = () => {
		for (const listener of [...listeners]) listener();
	};
	const resized = () => {
		told = Math.max(1, Math.min(last, stdout.columns) - 1);
		stdout.write(eraseAndHome);
		tellAll();
		told = undefined;
		last = stdout.columns;
		tellAll();
	};
	const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
		const text = typeof chunk === 'string' ? chunk.replace(enterAlternateScreen, `$&${eraseAndHome}`) : chunk;
		return Reflect.apply(stdout.write, stdout, [text, ...rest]);
	};
	const on = (listener: () => void) => {
		if (listeners.size === 0) stdout.on('resize', resized);
		listeners.add(listener);
	};
	const off = (listener: () => void) => {
		listeners.delete(listener);
		if (listeners.size === 0) stdout.off('resize', resized);
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
