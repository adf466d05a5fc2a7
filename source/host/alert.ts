/**
 * What makes a terminal ring, and show a text as a notification where it can (OSC 9): through tmux, also past it,
 * where its `allow-passthrough` is on. Moves nothing on the screen.
 * @param text without control codes
 */
export function alertSequence(text: string, env: NodeJS.ProcessEnv): string {
	const notification = `\u001b]9;${text}\u0007`;
	if (!env.TMUX) return `\u0007${notification}`;
	return `\u0007\u001bPtmux;${notification.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`;
}
