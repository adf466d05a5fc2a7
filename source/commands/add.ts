import {createInterface} from 'node:readline/promises';
import {clean} from '../auth/facts.ts';
import {freeSecretId, idNamed, sameKind} from '../auth/onboarding.ts';
import {takenProfileId} from '../auth/profile-errors.ts';
import type {MethodName, Provider} from '../auth/providers/contract.ts';
import {type ErrorCode, JarvisError} from '../errors.ts';
import {surroundings} from '../host/browser.ts';
import {assertProfileId} from '../store/paths.ts';
import {methodWords} from '../words.ts';
import {type CommandContext, expiresFlag, textFlag} from './command.ts';
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
	const wanted = textFlag(context, 'profile-id');
	const around = surroundings(jarvis.env, process.platform);
	return logIn(context, {
		...{providerId: provider.id, agentId, method},
		profileId: wanted ?? (await chooseAccount(context, agentId, provider, method)),
		noBrowser: !around.browser,
		offersShortUrl: around.forward !== undefined,
	});
}

/** Asks for one of a provider's ways to log in, if there are several. */
export async function chooseMethod(context: CommandContext, provider: Provider): Promise<MethodName> {
	const {methodsFor} = await import('../auth/providers/registry.ts');
	const around = surroundings(context.jarvis.env, process.platform);
	const [first, ...others] = methodsFor(provider, around);
	if (others.length === 0) return first.method;
	const chosen = await chooseOne(
		context,
		`How to log in to ${provider.label}?`,
		[first, ...others],
		way => `${methodWords(way)}${way.hint ? ` – ${way.hint}` : ''}`,
	);
	return chosen.method;
}

/**
 * Asks whose a pasted secret will be, if the agent has one of its kind already.
 * @returns the id to store it under, if the person meant one
 */
export async function chooseAccount(
	context: CommandContext,
	agentId: string,
	{id: providerId, label}: Provider,
	method: MethodName,
): Promise<string | undefined> {
	const {agents} = await context.jarvis.snapshot();
	const {profiles = [], broken = []} = agents.find(({id}) => id === agentId) ?? {};
	const same = sameKind(profiles, providerId, method);
	if (same.length === 0) return undefined;
	const chosen = await chooseOne(
		context,
		`The agent ${agentId} has one of ${label} already. Where does the new one go?`,
		[...same, undefined],
		id => (id === undefined ? 'beside it, under a name of its own' : `in the place of ${id}`),
	);
	if (chosen !== undefined) return chosen;
	const taken = [...profiles, ...broken].map(({profileId}) => profileId);
	return askForId(context, providerId, freeSecretId(profiles, providerId, method), async id => {
		if (taken.includes(assertProfileId(id))) throw takenProfileId(agentId, id);
	});
}

/**
 * Asks for the name of a profile until it can be taken.
 * @param suggested the id that an empty answer means
 * @param take throws what is wrong with an id
 */
export async function askForId(
	context: CommandContext,
	providerId: string,
	suggested: string,
	take: (profileId: string) => Promise<void>,
): Promise<string> {
	for (;;) {
		const answer = await askLine(context, `Name (Enter: ${suggested}): `);
		const profileId = answer === '' ? suggested : idNamed(providerId, answer);
		try {
			await take(profileId);
			return profileId;
		} catch (error) {
			if (!(error instanceof JarvisError) || !refusals.has(error.code)) throw error;
			context.tell(`${error.message} ${error.next}`);
		}
	}
}

const refusals: ReadonlySet<ErrorCode> = new Set(['profile_invalid_id', 'profile_exists', 'profile_foreign']);

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
		context.tell(`${String(index + 1).padStart(3)}. ${clean(labelOf(item))}`);
	});
	for (;;) {
		const answer = await askLine(context, `1–${items.length}: `);
		const index = Number(answer) - 1;
		if (index in items) return items[index] as T;
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
	} catch (error) {
		// The question's line has no end.
		context.tell('');
		throw error;
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
	return logIn(context, {
		providerId,
		agentId: await jarvis.agent(textFlag(context, 'agent')),
		profileId: textFlag(context, 'profile-id'),
		method: wanted,
		expires: expiresFlag(context),
		noBrowser: true,
	});
}

function cancelled(): JarvisError {
	return new JarvisError('login_cancelled', 'Cancelled. Nothing was stored.', 'Start again when you like.');
}
