import {JarvisError} from '../errors.ts';
import {asTyped} from '../suggested.ts';
import {runTask, type UiContext} from './context.ts';

/** Copies a command as it must be typed in another terminal. */
export async function copyCommand(context: UiContext, command: string): Promise<void> {
	await copyAndSay(context, asTyped(command, context.store.getState().stateDir), 'command');
}

/** Copies a text and says what came of it. */
export async function copyAndSay(context: UiContext, text: string, what: string): Promise<void> {
	await runTask(context, 'copy', `copying the ${what}`, async () => {
		const outcome = await context.host.copy(text).catch(error => {
			const message = `The ${what} could not be copied.`;
			throw new JarvisError('clipboard_failed', message, 'Select it on the screen.', {cause: error});
		});
		if (outcome === 'copied') return `Copied the ${what}.`;
		const tmux = context.jarvis.env.TMUX ? ' In tmux this needs: set -g set-clipboard on' : '';
		return `Sent the ${what} to your terminal's clipboard; it cannot confirm.${tmux}`;
	});
}
