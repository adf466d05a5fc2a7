import {createInterface} from 'node:readline/promises';
import type {Provider} from '../auth/providers/contract.ts';
import {JarvisError} from '../errors.ts';
import {surroundings} from '../host/browser.ts';
import {type CommandContext, durationFlag, textFlag} from './command.ts';
import {logIn} from './login.ts';

/** `models auth setup-token`: for Anthropic, unless another provider is named. */
export async function runSetupToken(context: CommandContext): Promise<number> {
	return paste(context, textFlag(context, 'provider') ?? 'anthropic', 'setup_token');
}

/** `models auth paste-token`: for any provider. */
export async function runPasteToken(context: CommandContext): Promise<number> {
	return paste(context, textFlag(context, 'provider') ?? '', 'token');
}

/** `models auth add`: asks for provider and method, and logs in. */
export async function runAdd(context: CommandContext): Promise<number> {
	const {jarvis, stdin} = context;
	if (!stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			'Adding a credential asks what to add, and there is no terminal.',
			'Name it: jarvis models auth login --provider <id> --method <name>, or paste-token.',
		);
	}
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const {providers} = await jarvis.providers();
	const provider = await chooseOne(context, 'Which provider?', [...providers.values()], ({label}) => label);
	const method = await chooseMethod(context, provider);
	const around = surroundings(jarvis.env, process.platform);
	return logIn(context, {
		...{providerId: provider.id, agentId, method},
		profileId: textFlag(context, 'profile-id'),
		noBrowser: !around.browser,
		offersShortUrl: around.forward !== undefined,
	});
}

/** Asks for one of a provider's ways to log in, if there are several. */
export async function chooseMethod(context: CommandContext, provider: Provider) {
	const {methodsFor} = await import('../auth/providers/registry.ts');
	const around = surroundings(context.jarvis.env, process.platform);
	const [first, ...others] = methodsFor(provider, around);
	if (others.length === 0) return first.method;
	const chosen = await chooseOne(
		context,
		`How to log in to ${provider.label}?`,
		[first, ...others],
		({label, method, hint}) => `${label ?? method}${hint ? ` – ${hint}` : ''}`,
	);
	return chosen.method;
}

/**
 * Asks for one of several by its number, in words that a screen reader can read.
 * @throws `login_cancelled` when the person ends the input
 */
export async function chooseOne<T>(
	context: CommandContext,
	question: string,
	items: readonly T[],
	labelOf: (item: T) => string,
): Promise<T> {
	context.tell(question);
	items.forEach((item, index) => {
		context.tell(`${String(index + 1).padStart(3)}. ${labelOf(item)}`);
	});
	for (;;) {
		const answer = await askLine(context, `1–${items.length}: `);
		const chosen = items[Number(answer) - 1];
		if (chosen !== undefined) return chosen;
		context.tell(`Type a number from 1 to ${items.length}.`);
	}
}

/**
 * Asks for a line.
 * @throws `login_cancelled` when the person ends the input
 */
export async function askLine(context: CommandContext, question: string): Promise<string> {
	const lines = createInterface({input: context.stdin, output: process.stderr});
	try {
		const closed = Promise.withResolvers<never>();
		lines.once('close', () => closed.reject(cancelled()));
		closed.promise.catch(() => {});
		return (await Promise.race([lines.question(question), closed.promise])).trim();
	} finally {
		lines.close();
	}
}

async function paste(
	context: CommandContext,
	providerId: string,
	wanted: 'setup_token' | 'token',
): Promise<number> {
	const {jarvis} = context;
	const livesMs = durationFlag(context, 'expires-in');
	return logIn(context, {
		providerId,
		agentId: await jarvis.agent(textFlag(context, 'agent')),
		profileId: textFlag(context, 'profile-id'),
		method: wanted,
		...(livesMs === undefined ? {} : {expires: jarvis.now() + livesMs}),
		noBrowser: true,
	});
}

function cancelled(): JarvisError {
	return new JarvisError('login_cancelled', 'Cancelled. Nothing was stored.', 'Start again when you like.');
}
