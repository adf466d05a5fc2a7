import {readFileSync} from 'node:fs';
import {isIP} from 'node:net';
import type {
	AskingState,
	DeviceState,
	Login,
	LoginOutcome,
	LoginResult,
	LoginState,
	WaitingState,
} from '../auth/login/contract.ts';
import type {LoginRequest} from '../core.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {surroundings} from '../host/browser.ts';
import {containerWords, span} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';

/** How long (ms) after a line the next one may still belong to the same paste: a wrapped URL has several. */
const pasteGapMs = 80;

/** `models auth login`: by the method that was named, or by the one that fits the machine best. */
export async function runLogin(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const providerId = textFlag(context, 'provider') ?? '';
	const around = surroundings(jarvis.env, process.platform);
	const noBrowser = context.flags['no-browser'] === true || !around.browser;
	const callbackBind = addressFlag(context, 'callback-bind');
	return logIn(context, {
		providerId,
		agentId: await jarvis.agent(textFlag(context, 'agent')),
		profileId: textFlag(context, 'profile-id'),
		method: textFlag(context, 'method') ?? (await jarvis.bestMethod(providerId, {browser: !noBrowser})),
		noBrowser,
		callbackBind,
		offersShortUrl: around.forward !== undefined || callbackBind !== undefined,
	});
}

/** Carries a login out as `carryOut` does, and prints what was stored. */
export async function logIn(context: CommandContext, request: LoginRequest): Promise<number> {
	return printed(context, await carryOut(context, request));
}

/**
 * Carries a login out to its end, with the person's help through the terminal or a pipe, and tells what was
 * stored.
 * @throws what ended the login, `login_cancelled`, and what `startLogin` throws
 */
export async function carryOut(context: CommandContext, request: LoginRequest): Promise<LoginResult> {
	const login = await context.jarvis.startLogin(request);
	const cancel = () => login.cancel();
	process.once('SIGINT', cancel);
	process.once('SIGTERM', cancel);
	const input = readInput(context, login);
	const stopTelling = tellProgress(context, login, input);
	try {
		return ended(context, await Promise.race([login.finished, input.refusedForGood]));
	} finally {
		stopTelling();
		input.stop();
		login.cancel();
		process.removeListener('SIGINT', cancel);
		process.removeListener('SIGTERM', cancel);
	}
}

/** `models auth finish`: ends a login that waits in another terminal. */
export async function runFinish(context: CommandContext): Promise<number> {
	const [given = ''] = context.arguments;
	const pasted = given === '-' ? readFileSync(0, 'utf8') : given;
	const result = await context.jarvis.finishLogin(pasted);
	tellStored(context, result);
	return printed(context, result);
}

function printed(context: CommandContext, result: LoginResult): number {
	if (context.flags.json) printJson(context, result);
	else context.print(result.profileId);
	return 0;
}

function ended(context: CommandContext, outcome: LoginOutcome): LoginResult {
	switch (outcome.step) {
		case 'done':
			tellStored(context, outcome.result);
			return outcome.result;
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

function tellStored(context: CommandContext, result: LoginResult): void {
	const until =
		result.expires === undefined ? '' : `, good for ${span(result.expires - context.jarvis.now())}`;
	const what = result.kind === 'oauth' || result.kind === undefined ? 'Logged in' : 'Stored';
	context.tell(`${what}: ${result.profileId} of the agent ${result.agentId}${until}.`);
	if (result.note) context.tell(result.note);
}

function tellProgress(context: CommandContext, login: Login, input: Input): () => void {
	let told = '';
	let waitedFor = '';
	let asked: LoginState | undefined;
	const tell = () => {
		const state = login.state();
		const name = nameOf(state);
		// A question that comes again is a new one; all else is told when it differs, and not at each change of it.
		const isNew = state.step === 'asking' ? state !== asked : name !== told;
		told = name;
		asked = state;
		// It waits on after a wrong paste: its link has been told.
		if (state.step === 'waiting' && isNew && name !== waitedFor) tellWaiting(context, login, state);
		if (state.step === 'waiting') waitedFor = name;
		if (state.step === 'device' && isNew) void tellDevice(context, login, state);
		// First of all, so that nothing of a secret is shown that comes as soon as it is asked for.
		if ((state.step === 'asking' || state.step === 'waiting') && isNew) input.expect(state);
		if (state.step === 'asking' && isNew) tellQuestion(context, state);
		if (state.step === 'waiting' && state.browser === 'failed')
			context.tell('No browser could be opened: open the link yourself.');
		if (state.step === 'exchanging' && isNew) context.tell(state.text ?? 'Finishing the login…');
	};
	tell();
	return login.subscribe(tell);
}

function nameOf(state: LoginState): string {
	switch (state.step) {
		case 'waiting':
			return `waiting ${state.url}`;
		case 'device':
			return `device ${state.userCode}`;
		case 'exchanging':
			return `exchanging ${state.text ?? ''}`;
		default:
			return state.step;
	}
}

function tellWaiting(context: CommandContext, login: Login, state: WaitingState): void {
	const around = surroundings(context.jarvis.env, process.platform);
	const port = state.redirectUri === undefined ? undefined : new URL(state.redirectUri).port;
	context.tell(`Log in to ${login.provider.label} for the agent ${login.agentId}.`);
	tellNote(context, login);
	if (around.note && state.browser !== 'not asked') context.tell(around.note);
	if (state.instructions) context.tell(state.instructions);
	context.tell(
		state.browser === 'not asked' ? 'Open this link in a browser:' : 'If no browser opens, open this link:',
	);
	// Alone on its line, unwrapped and without anything around it: terminals must be able to copy it whole.
	context.tell(`\n${state.url}\n`);
	if (port !== undefined && !state.listening)
		context.tell(`Port ${port} is taken here, so the browser’s last page will not load.`);
	else if (port !== undefined && around.forward)
		context.tell(`To bring the callback here, run on your own machine: ${around.forward(port)}`);
	else if (port !== undefined && around.publish)
		context.tell(`${containerWords(around.publish(port), context.flags['callback-bind'] !== undefined)}.`);
	if (state.shortUrl) context.tell(`Or, with the port forwarded, open ${state.shortUrl}`);
	context.tell(
		state.listening
			? 'Waiting for the browser. Or paste the address that it ends at, and press Enter:'
			: 'Paste the address that the browser ends at, and press Enter:',
	);
}

async function tellDevice(context: CommandContext, login: Login, state: DeviceState): Promise<void> {
	const {userCode, verificationUri, verificationUriComplete, until} = state;
	context.tell(`Log in to ${login.provider.label} for the agent ${login.agentId}.`);
	tellNote(context, login);
	context.tell(`On any device, open\n\n${verificationUri}\n\nand type the code\n\n    ${userCode}\n`);
	if (process.stderr.isTTY) {
		const {qrLines} = await import('../qr-code.ts');
		// One that is too long for a code is told above.
		const lines = await qrLines(verificationUriComplete ?? verificationUri).catch(() => []);
		if (lines.length > 0) context.tell(`${lines.join('\n')}\n`);
	}
	context.tell(`Waiting for it; the code is good for ${span(until - context.jarvis.now())}.`);
}

function tellQuestion(context: CommandContext, {message, hint, options}: AskingState): void {
	context.tell(message);
	if (hint) context.tell(hint);
	options?.forEach(({label}, index) => {
		context.tell(`  ${index + 1}. ${label}`);
	});
}

/** The IP address that a flag holds. Throws `usage` where it holds something else. */
export function addressFlag(context: CommandContext, name: string): string | undefined {
	const address = textFlag(context, name);
	if (address === undefined || isIP(address) !== 0) return address;
	throw new JarvisError(
		'usage',
		`--${name} ${JSON.stringify(address)} is no IP address.`,
		'In a container, write 0.0.0.0 to be reached by its published port.',
	);
}

function tellNote(context: CommandContext, {provider}: Login): void {
	if (provider.note) context.tell(provider.note);
}

/** What is typed or piped, on its way to the login. */
interface Input {
	readonly refusedForGood: Promise<never>;
	/** Makes the terminal fit for what is asked, a secret is not shown as it is typed; and hands over what came before. */
	expect(state: AskingState | WaitingState): void;
	stop(): void;
}

/** Hands what is typed or piped to the login, a paste of several lines at once. */
function readInput(context: CommandContext, login: Login): Input {
	const {stdin} = context;
	let pending = '';
	let timer: NodeJS.Timeout | undefined;
	let refused: JarvisError | undefined;
	let hasEnded = false;
	const forGood = Promise.withResolvers<never>();
	forGood.promise.catch(() => {});
	const isHidden = () => stdin.isTTY && stdin.isRaw;
	const submit = async () => {
		clearTimeout(timer);
		const text = pending;
		const state = login.state();
		// What comes before anybody asks is kept for who does.
		if (!takesInput(state)) return;
		if (text.trim() === '' && !(state.step === 'asking' && (hasEnded || /[\r\n]/.test(text)))) return;
		pending = '';
		try {
			const note = await login.paste(text);
			if (note) context.tell(note);
		} catch (error) {
			refused = asJarvisError(error);
			// In JSON the one that ended it is told at the end, and nothing else is.
			if (!context.flags.json && !hasEnded) context.tell(`${refused.message} ${refused.next}`);
			if (hasEnded) endIfRefused();
		}
	};
	// A pipe that ended cannot be corrected: what it said is refused for good.
	const endIfRefused = () => {
		const {step} = login.state();
		if (refused && pending.trim() === '' && (step === 'waiting' || step === 'asking'))
			forGood.reject(refused);
	};
	const onData = (chunk: Buffer) => {
		const text = chunk.toString('utf8');
		if (!isHidden()) pending += text;
		// Without the terminal's own editing, its keys come as they are.
		else {
			for (const key of text) {
				if (key === '\u0003') return login.cancel();
				if (key === '\u0004' && pending === '') return void onEnd();
				if (key === '\u007f' || key === '\b') pending = pending.slice(0, -1);
				else if (key === '\u0015') pending = '';
				else pending += key;
			}
		}
		submitSoon();
	};
	const submitSoon = () => {
		clearTimeout(timer);
		if (pending.includes('\n') || pending.includes('\r')) timer = setTimeout(submit, pasteGapMs);
	};
	const onEnd = async () => {
		hasEnded = true;
		await submit();
		endIfRefused();
	};
	const onKept = () => {
		if (hasEnded) void onEnd();
		else submitSoon();
	};
	const stopWatching = login.subscribe(() => {
		if (pending !== '' && login.state().step === 'waiting') onKept();
	});
	stdin.on('data', onData);
	stdin.on('end', onEnd);
	// A question that was asked line by line before has left it paused.
	stdin.resume();
	return {
		refusedForGood: forGood.promise,
		expect(state) {
			if (stdin.isTTY) stdin.setRawMode(state.step === 'asking' && state.secret);
			onKept();
		},
		stop() {
			clearTimeout(timer);
			stopWatching();
			if (stdin.isTTY) stdin.setRawMode(false);
			stdin.removeListener('data', onData);
			stdin.removeListener('end', onEnd);
			stdin.pause();
		},
	};
}

function takesInput({step}: LoginState): boolean {
	return step === 'waiting' || step === 'device' || step === 'asking';
}
