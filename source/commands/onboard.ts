import type {LoginResult} from '../auth/login/contract.ts';
import {
	asksForName,
	nextCommands,
	type OnboardingStep,
	orderWith,
	type Place,
	placeChoices,
	stepWords,
} from '../auth/onboarding.ts';
import {providerFlag} from '../auth/profile-commands.ts';
import {callbackPortOf, type MethodName, type Provider} from '../auth/providers/contract.ts';
import {orderWithOwn} from '../auth/snapshot.ts';
import type {LoginRequest} from '../core.ts';
import {JarvisError} from '../errors.ts';
import {surroundings} from '../host/browser.ts';
import {optional} from '../store/schema.ts';
import {agentWords} from '../words.ts';
import {askForId, askLine, chooseAccount, chooseMethod, chooseOne} from './add.ts';
import {agentIn, type CommandContext, expiresFlag, printJson, textFlag} from './command.ts';
import {addressFlag, carryOut} from './login.ts';

/** `onboard`: step by step from nothing to a credential, its place in the order, and what to do with it. */
export async function runOnboard(context: CommandContext): Promise<number> {
	// What is wrong with it is said before anything is asked.
	addressFlag(context, 'callback-bind');
	const request = context.flags['non-interactive'] ? await named(context) : await asked(context);
	const before = await idsOf(context, request.agentId);
	if (!context.flags['non-interactive']) context.tell(stepWords('login'));
	const stored = await carryOut(context, request);
	const result = context.flags['non-interactive'] ? stored : await settle(context, request, stored, before);
	const {agent, order} = await orderNow(context, result);
	await tellNext(context, result, agent.isDefault);
	if (context.flags.json) {
		const {agentId, profileId, provider, replaced, unchanged} = result;
		const tried = order.places.filter(({place}) => place !== undefined).map(place => place.profileId);
		const before = {...optional('replaced', replaced), ...optional('unchanged', unchanged)};
		printJson(context, {agentId, profileId, provider, method: request.method, order: tried, ...before});
	} else context.print(result.profileId);
	return 0;
}

/** The login that the flags name, which must need nobody at a terminal. */
async function named(context: CommandContext): Promise<LoginRequest> {
	const {jarvis, stdin} = context;
	const [{assertUnattended}, {findMethod, findProvider, methodsFor}, {isSecretMethod}] = await Promise.all([
		import('../auth/auth-choice.ts'),
		import('../auth/providers/registry.ts'),
		import('../auth/providers/contract.ts'),
	]);
	const choice = await choiceOf(context);
	if (!choice) {
		throw new JarvisError(
			'usage',
			'Without questions the provider must be named.',
			'Add --auth-choice <name>, or --provider <id>.',
		);
	}
	const {providers} = await jarvis.providers();
	const provider = findProvider(providers, choice.providerId);
	const [fitting] = methodsFor(provider, {browser: false});
	const method = choice.method === undefined ? fitting : findMethod(provider, choice.method);
	assertUnattended(provider, method);
	if (isSecretMethod(method) && stdin.isTTY) {
		throw new JarvisError(
			'usage',
			'The secret is read from standard input, and that is the terminal.',
			`Pipe it in: jarvis onboard --non-interactive ${providerFlag(provider.id)} --method ${method.method} < file`,
		);
	}
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const profileId = textFlag(context, 'profile-id');
	return requestOf(context, {agentId, providerId: provider.id, method: method.method, profileId});
}

/** The login that the person chooses, of what no flag has said already. */
async function asked(context: CommandContext): Promise<LoginRequest> {
	if (!context.stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			'Onboarding asks step by step, and there is no terminal.',
			'Name it all: jarvis onboard --non-interactive --auth-choice <name>',
		);
	}
	const choice = await choiceOf(context);
	const agentId = await agentFor(context);
	const provider = await providerFor(context, agentId, choice?.providerId);
	const method = await methodFor(context, provider, choice?.method ?? textFlag(context, 'method'));
	const profileId =
		textFlag(context, 'profile-id') ?? (await chooseAccount(context, agentId, provider, method));
	return requestOf(context, {agentId, providerId: provider.id, method, profileId});
}

async function choiceOf(context: CommandContext) {
	const {authChoice} = await import('../auth/auth-choice.ts');
	const listing = await context.jarvis.providers();
	const [choice, provider] = [textFlag(context, 'auth-choice'), textFlag(context, 'provider')];
	for (const name of [choice, provider]) {
		if (name !== undefined) await context.jarvis.assertNotLeftOut(listing, name);
	}
	return authChoice(listing.providers, {
		...{choice, provider},
		method: textFlag(context, 'method'),
	});
}

type Chosen = Pick<LoginRequest, 'agentId' | 'providerId' | 'method' | 'profileId'>;

function requestOf(context: CommandContext, chosen: Chosen): LoginRequest {
	const {jarvis, flags} = context;
	const around = surroundings(jarvis.env, process.platform);
	const callbackBind = addressFlag(context, 'callback-bind');
	const isQuiet = flags['no-browser'] === true || flags['non-interactive'] === true;
	return {
		...chosen,
		expires: expiresFlag(context),
		noBrowser: isQuiet || !around.browser,
		callbackBind,
		offersShortUrl: around.forward !== undefined || callbackBind !== undefined,
	};
}

async function agentFor(context: CommandContext): Promise<string> {
	const {jarvis} = context;
	const given = textFlag(context, 'agent');
	if (given !== undefined) return jarvis.agent(given);
	const {agents} = await jarvis.snapshot();
	const chosen = await chooseOne(
		context,
		question('agent', 'Which one is it for?'),
		[...agents, undefined],
		agent => (agent ? agentWords(agent) : 'a new one'),
	);
	return chosen?.id ?? newAgent(context);
}

async function newAgent(context: CommandContext): Promise<string> {
	for (;;) {
		const id = await askLine(context, 'Its id: ');
		try {
			await context.jarvis.addAgent({id});
			context.tell(`Added the agent ${id}.`);
			return id;
		} catch (error) {
			if (!(error instanceof JarvisError) || !/^agent_/.test(error.code)) throw error;
			context.tell(`${error.message} ${error.next}`);
		}
	}
}

async function providerFor(
	context: CommandContext,
	agentId: string,
	named: string | undefined,
): Promise<Provider> {
	const {jarvis} = context;
	const {providers} = await jarvis.providers();
	if (named !== undefined) {
		const {findProvider} = await import('../auth/providers/registry.ts');
		return findProvider(providers, named);
	}
	const agent = agentIn(context, await jarvis.snapshot(), agentId);
	return chooseOne(
		context,
		question('provider', 'Which one is the account of?'),
		[...providers.values()],
		({id, label}) => {
			const accounts = agent.profiles.filter(({provider}) => provider === id);
			const names = accounts.map(({profileId}) => profileId.slice(profileId.indexOf(':') + 1));
			return names.length === 0 ? label : `${label} (there is: ${names.join(', ')})`;
		},
	);
}

async function methodFor(
	context: CommandContext,
	provider: Provider,
	named: string | undefined,
): Promise<MethodName> {
	if (named !== undefined) {
		const {findMethod} = await import('../auth/providers/registry.ts');
		return findMethod(provider, named).method;
	}
	if (provider.auth.length > 1) context.tell(stepWords('method'));
	return chooseMethod(context, provider);
}

/** The name of what was stored, and its place, as the person wants them. Whoever ends the input leaves them. */
async function settle(
	context: CommandContext,
	request: LoginRequest,
	stored: LoginResult,
	before: readonly string[],
): Promise<LoginResult> {
	const isNamed = request.profileId !== undefined || !asksForName(stored, before);
	const result = isNamed ? stored : await orLeft(rename(context, stored), stored);
	await orLeft(place(context, result), undefined);
	return result;
}

async function orLeft<T>(asked: Promise<T>, left: T): Promise<T> {
	return asked.catch(error => {
		if (error instanceof JarvisError && error.code === 'login_cancelled') return left;
		throw error;
	});
}

async function rename(context: CommandContext, stored: LoginResult): Promise<LoginResult> {
	const {agentId, provider, profileId: from} = stored;
	context.tell('Nothing tells whose account it is. Under which name is it kept?');
	const profileId = await askForId(context, provider, from, to =>
		context.jarvis.renameProfile(agentId, from, to),
	);
	return {...stored, profileId};
}

async function place(context: CommandContext, result: LoginResult): Promise<void> {
	const {agentId, provider, profileId} = result;
	const {order, own} = await orderNow(context, result);
	const choices = placeChoices(order, own, profileId);
	if (choices.length === 0) return;
	const {id} = await chooseOne<{readonly id: Place; readonly label: string}>(
		context,
		question(
			'order',
			`The agent ${agentId} has several profiles of ${provider}. When is ${profileId} tried?`,
		),
		choices,
		({label}) => label,
	);
	if (id !== 'leave') await context.jarvis.setOrder(agentId, provider, orderWith(order, own, profileId, id));
}

async function orderNow(context: CommandContext, {agentId, provider}: LoginResult) {
	const {jarvis} = context;
	const snapshot = await jarvis.snapshot({refs: 'resolve'});
	const agent = agentIn(context, snapshot, agentId);
	return {agent, ...orderWithOwn({agent, config: snapshot.config}, provider, jarvis.now())};
}

async function tellNext(
	context: CommandContext,
	result: LoginResult,
	isDefaultAgent: boolean,
): Promise<void> {
	const {jarvis} = context;
	const provider = (await jarvis.providers()).providers.get(result.provider);
	const around = surroundings(jarvis.env, process.platform);
	const port = provider && callbackPortOf(provider);
	context.tell(`\n${stepWords('done')}. What is of use now:`);
	for (const {what, command} of nextCommands(result, isDefaultAgent, {
		...around,
		...optional('port', port),
	})) {
		context.tell(`  ${what}:\n    ${command}`);
	}
}

async function idsOf(context: CommandContext, agentId: string): Promise<readonly string[]> {
	return agentIn(context, await context.jarvis.snapshot(), agentId).profiles.map(({profileId}) => profileId);
}

function question(step: OnboardingStep, words: string): string {
	return `${stepWords(step)}. ${words}`;
}
