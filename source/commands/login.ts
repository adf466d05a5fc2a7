import {readFileSync} from 'node:fs';
import type {LoginResult} from '../auth/login/contract.ts';
import type {Login, LoginOutcome, WaitingState} from '../auth/login/login.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {surroundings} from '../host/browser.ts';
import {span} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';

/** How long (ms) after a line the next one may still belong to the same paste: a wrapped URL has several. */
const pasteGapMs = 80;

/** `models auth login`: by callback, or by what is pasted on standard input, whichever comes first. */
export async function runLogin(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const login = await jarvis.startLogin({
		providerId: textFlag(context, 'provider') ?? '',
		agentId: await jarvis.agent(textFlag(context, 'agent')),
		profileId: textFlag(context, 'profile-id'),
		noBrowser: context.flags['no-browser'] === true || !surroundings(jarvis.env, process.platform).browser,
	});
	const cancel = () => login.cancel();
	process.once('SIGINT', cancel);
	process.once('SIGTERM', cancel);
	const stopTelling = tellProgress(context, login);
	const pastes = readPastes(context, login);
	try {
		return ended(context, await Promise.race([login.finished, pastes.refusedForGood]));
	} finally {
		stopTelling();
		pastes.stop();
		login.cancel();
		process.removeListener('SIGINT', cancel);
		process.removeListener('SIGTERM', cancel);
	}
}

/** `models auth finish`: ends a login that waits in another terminal. */
export async function runFinish(context: CommandContext): Promise<number> {
	const [given = ''] = context.arguments;
	const pasted = given === '-' ? readFileSync(0, 'utf8') : given;
	return stored(context, await context.jarvis.finishLogin(pasted));
}

function ended(context: CommandContext, outcome: LoginOutcome): number {
	switch (outcome.step) {
		case 'done':
			return stored(context, outcome.result);
		case 'failed':
			throw outcome.error;
		case 'cancelled':
			throw new JarvisError(
				'login_cancelled',
				'The login was cancelled. Nothing was stored.',
				'Start it again when you like.',
			);
	}
}

function stored(context: CommandContext, result: LoginResult): number {
	const until =
		result.expires === undefined ? '' : `, good for ${span(result.expires - context.jarvis.now())}`;
	context.tell(`Logged in: ${result.profileId} of the agent ${result.agentId}${until}.`);
	if (context.flags.json) printJson(context, result);
	else context.print(result.profileId);
	return 0;
}

function tellProgress(context: CommandContext, login: Login): () => void {
	let told = '';
	const tell = () => {
		const state = login.state();
		if (state.step === 'waiting' && told === '') tellWaiting(context, login, state);
		if (state.step === 'waiting' && state.browser === 'failed')
			context.tell('No browser could be opened: open the link yourself.');
		if (state.step === 'exchanging') context.tell('Finishing the login…');
		told = state.step === 'waiting' ? 'waiting' : told;
	};
	tell();
	return login.subscribe(tell);
}

function tellWaiting(context: CommandContext, login: Login, state: WaitingState): void {
	const around = surroundings(context.jarvis.env, process.platform);
	const {port} = new URL(state.redirectUri);
	context.tell(`Log in to ${login.provider.label} for the agent ${login.agentId}.`);
	context.tell(
		state.browser === 'not asked' ? 'Open this link in a browser:' : 'If no browser opens, open this link:',
	);
	// Alone on its line, unwrapped and without anything around it: terminals must be able to copy it whole.
	context.tell(`\n${state.url}\n`);
	if (!state.listening) context.tell(`Port ${port} is taken here, so the browser’s last page will not load.`);
	else if (around.forward)
		context.tell(`To bring the callback here, run on your own machine: ${around.forward(port)}`);
	context.tell(
		state.listening
			? 'Waiting for the browser. Or paste the address that it ends at, and press Enter:'
			: 'Paste the address that the browser ends at, and press Enter:',
	);
}

/** Hands what is typed or piped to the login, a paste of several lines at once. */
function readPastes(
	context: CommandContext,
	login: Login,
): {readonly refusedForGood: Promise<never>; stop(): void} {
	const {stdin} = context;
	let pending = '';
	let timer: NodeJS.Timeout | undefined;
	let refused: JarvisError | undefined;
	const forGood = Promise.withResolvers<never>();
	const submit = async () => {
		clearTimeout(timer);
		const text = pending;
		pending = '';
		if (text.trim() === '') return;
		try {
			const note = await login.paste(text);
			if (note) context.tell(note);
		} catch (error) {
			refused = asJarvisError(error);
			// In JSON the one that ended it is told at the end, and nothing else is.
			if (!context.flags.json) context.tell(`${refused.message} ${refused.next}`);
		}
	};
	const onData = (chunk: Buffer) => {
		pending += chunk.toString('utf8');
		clearTimeout(timer);
		if (pending.includes('\n') || pending.includes('\r')) timer = setTimeout(submit, pasteGapMs);
	};
	// A pipe that ended cannot be corrected: what it said is refused for good.
	const onEnd = async () => {
		await submit();
		if (refused && login.state().step === 'waiting') forGood.reject(refused);
	};
	stdin.on('data', onData);
	stdin.on('end', onEnd);
	return {
		refusedForGood: forGood.promise,
		stop() {
			clearTimeout(timer);
			stdin.removeListener('data', onData);
			stdin.removeListener('end', onEnd);
			stdin.pause();
		},
	};
}
