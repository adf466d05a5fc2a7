import type {LoginResult} from '../auth/login/contract.ts';
import {asksForName, idNamed, orderWith, type Place, placeChoices} from '../auth/onboarding.ts';
import {askForAgent} from './agent-actions.ts';
import {runTask, type UiContext} from './context.ts';
import {emptyText, textAtEnd} from './edited-text.ts';
import {openScreen} from './navigation-actions.ts';
import {profileIdFault} from './profile-id-fault.ts';
import {agentRows, newAgent, onboardingRows, orderOfResult, selected} from './rows.ts';
import {type OnboardingView, patch} from './state.ts';

type Settling = Extract<OnboardingView, {readonly result: LoginResult}>;

/** Goes to a step, at the top of its list. */
function goTo({store}: UiContext, onboarding: OnboardingView, at?: string): void {
	const {cursors} = store.getState();
	const {onboard: _, ...others} = cursors;
	const cursor = at === undefined ? {} : {onboard: {id: at, index: 0}};
	patch(store, {onboarding, filter: emptyText, cursors: {...others, ...cursor}});
}

function chooseProviderFor(context: UiContext, agentId: string): void {
	const {login, cursors} = context.store.getState();
	if (login.stage === 'running') login.login.cancel();
	const {login: _, ...others} = cursors;
	patch(context.store, {agentId, draft: undefined, login: {stage: 'choosing'}, cursors: others});
	goTo(context, {stage: 'login'});
}

// Only what is on the disk by now tells which profiles there are.
function settle(
	context: UiContext,
	work: () => Promise<LoginResult>,
	next: (result: LoginResult) => void = result => goToOrder(context, result),
): void {
	void runTask(context, 'onboarding', 'storing', async () => {
		const result = await work();
		await context.host.reload();
		next(result);
		return undefined;
	});
}

function goToOrder(context: UiContext, result: LoginResult): void {
	const {order, own} = orderOfResult(context.store.getState(), result);
	const isAsked = order !== undefined && placeChoices(order, own, result.profileId).length > 0;
	goTo(context, {stage: isAsked ? 'order' : 'done', result});
}

function afterLogin(context: UiContext): void {
	const {login} = context.store.getState();
	if (login.stage !== 'running') return;
	const state = login.login.state();
	if (state.step !== 'done') return;
	const isNamed = login.request.profileId !== undefined || !asksForName(state.result, login.before);
	settle(
		context,
		async () => state.result,
		result => (isNamed ? goToOrder(context, result) : goTo(context, {stage: 'name', result})),
	);
}

function askForName(context: UiContext, result: LoginResult): void {
	const {store, jarvis} = context;
	const {agentId, provider, profileId: from} = result;
	patch(store, {
		dialog: {
			kind: 'field',
			title: `Another name for ${from}`,
			lines: [`Its id is ${provider}: and the name.`],
			field: textAtEnd(''),
			placeholder: 'work',
			danger: false,
			check: typed => profileIdFault(store.getState(), agentId, provider, idNamed(provider, typed)),
			submit(typed) {
				const profileId = idNamed(provider, typed);
				settle(context, async () => {
					await jarvis.renameProfile(agentId, from, profileId);
					return {...result, profileId};
				});
			},
		},
	});
}

function putInPlace(context: UiContext, result: LoginResult, place: Place): void {
	const {order, own} = orderOfResult(context.store.getState(), result);
	const {agentId, provider, profileId} = result;
	if (place === 'leave' || !order) return goTo(context, {stage: 'done', result});
	const ids = orderWith(order, own, profileId, place);
	settle(
		context,
		async () => {
			await context.jarvis.setOrder(agentId, provider, ids);
			return result;
		},
		() => goTo(context, {stage: 'done', result}),
	);
}

function showResult(context: UiContext, {result: {agentId, profileId}}: Settling): void {
	const {cursors} = context.store.getState();
	patch(context.store, {agentId, cursors: {...cursors, profiles: {id: profileId, index: 0}}});
	leave(context);
	openScreen(context, 'profiles');
}

function leave(context: UiContext): void {
	goTo(context, {stage: 'agent'});
	const {login} = context.store.getState();
	const isOver = login.stage === 'running' && login.login.state().step === 'done';
	if (isOver) patch(context.store, {login: {stage: 'choosing'}});
	openScreen(context, 'agents');
}

export const onboardingActions = {
	openOnboarding(context: UiContext) {
		const state = context.store.getState();
		const isUnderWay =
			state.login.stage === 'running' &&
			!['done', 'failed', 'cancelled'].includes(state.login.login.state().step);
		// A login that waits is not given up for being looked at from here.
		if (isUnderWay) goTo(context, {stage: 'login'});
		else goTo(context, {stage: 'agent'}, selected(state, 'agents', agentRows(state))?.id);
		openScreen(context, 'onboard');
	},

	onboardingNext(context: UiContext) {
		const state = context.store.getState();
		const {onboarding} = state;
		const row = selected(state, 'onboard', onboardingRows(state));
		switch (onboarding.stage) {
			case 'agent':
				if (row?.id === newAgent) askForAgent(context, id => chooseProviderFor(context, id));
				else if (row) chooseProviderFor(context, row.id);
				return;
			case 'login':
				return afterLogin(context);
			case 'name':
				if (row?.id === 'rename') askForName(context, onboarding.result);
				else goToOrder(context, onboarding.result);
				return;
			case 'order':
				if (row) putInPlace(context, onboarding.result, row.id as Place);
				return;
			case 'done':
				return showResult(context, onboarding);
		}
	},

	onboardingBack(context: UiContext) {
		const {filter, onboarding, login, agentId} = context.store.getState();
		if (filter.text !== '') return patch(context.store, {filter: emptyText});
		switch (onboarding.stage) {
			case 'agent':
			case 'done':
				return leave(context);
			case 'login':
				if (login.stage === 'choosing') goTo(context, {stage: 'agent'}, agentId);
				else afterLogin(context);
				return;
			// What is stored is stored: to go back from here is to leave it as it is.
			case 'name':
				return goToOrder(context, onboarding.result);
			case 'order':
				return goTo(context, {stage: 'done', result: onboarding.result});
		}
	},
};
