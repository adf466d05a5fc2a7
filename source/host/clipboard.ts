/** What became of a text that was to be copied. */
export type CopyOutcome = 'copied' | 'sent to terminal';

/** The longest text (bytes, encoded) that terminals take by OSC 52. */
const longestSequence = 74_000;

/**
 * Copies a text: with the system's clipboard, or, over SSH and where there is none, by asking the
 * person's terminal (OSC 52), which cannot confirm it.
 * @param writeToTerminal writes to the terminal without moving anything on the screen
 * @throws when the text is too long for a terminal
 */
export async function copyText(
	text: string,
	env: NodeJS.ProcessEnv,
	writeToTerminal: (sequence: string) => void,
): Promise<CopyOutcome> {
	const isRemote = Boolean(env.SSH_CONNECTION || env.SSH_TTY);
	try {
		// Over SSH the clipboard of this machine is not the person's.
		if (!isRemote) {
			const {default: clipboard} = await import('clipboardy');
			await clipboard.write(text);
			return 'copied';
		}
	} catch (error) {
		// Without a clipboard here, the terminal is asked.
		if (isTooLong(text)) throw error;
	}
	if (isTooLong(text)) throw new Error('The text is too long for a terminal.');
	writeToTerminal(copySequence(text, env));
	return 'sent to terminal';
}

function isTooLong(text: string): boolean {
	return Buffer.from(text).toString('base64').length > longestSequence;
}

/** The control sequence that asks a terminal to copy a text; through tmux, also past it. */
export function copySequence(text: string, env: NodeJS.ProcessEnv): string {
	const sequence = `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
	if (!env.TMUX) return sequence;
	return `${sequence}\u001bPtmux;${sequence.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`;
}
