/** The way out of the dashboard's screen and back: set once it is drawn. */
export interface TerminalHandle {
	suspend?: (work: () => Promise<void>) => Promise<void>;
}

/**
 * Shows a text on the plain terminal, outside of the dashboard, until Enter is pressed: there it is one
 * unbroken line, however long, that any terminal can copy.
 */
export async function showPlain(terminal: TerminalHandle, text: string): Promise<void> {
	await terminal.suspend?.(async () => {
		process.stdout.write(`\n${text}\n\nPress Enter to go back to the dashboard. `);
		await new Promise<void>(resolve => {
			process.stdin.resume();
			process.stdin.once('data', () => {
				process.stdin.pause();
				resolve();
			});
		});
	});
}

/** Stops the process as ^Z in a shell does; resolves when it is brought back to the foreground. */
export async function stopProcess(terminal: TerminalHandle): Promise<void> {
	if (process.platform === 'win32') return;
	await terminal.suspend?.(async () => {
		// With nothing to wait for, Node would end the process instead of stopping it.
		const awake = setInterval(() => {}, 1000);
		const back = new Promise(resolve => process.once('SIGCONT', resolve));
		// The whole group, as the terminal would: npm and the shell's function around it stop too.
		process.kill(0, 'SIGSTOP');
		await back;
		clearInterval(awake);
	});
}
