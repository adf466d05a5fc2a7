import {agentActions} from './agent-actions.ts';
import {brokerActions} from './broker-actions.ts';
import type {UiContext} from './context.ts';
import {doctorActions} from './doctor-actions.ts';
import {importActions} from './import-actions.ts';
import {loginActions} from './login-actions.ts';
import {navigationActions} from './navigation-actions.ts';
import {onboardingActions} from './onboarding-actions.ts';
import {orderActions} from './order-actions.ts';
import {profileActions} from './profile-actions.ts';
import {sessionActions} from './session-actions.ts';

const actions = {
	...navigationActions,
	...agentActions,
	...profileActions,
	...orderActions,
	...loginActions,
	...sessionActions,
	...importActions,
	...onboardingActions,
	...brokerActions,
	...doctorActions,
} satisfies Record<string, (context: UiContext) => void>;

/** What a key can do. */
export type ActionId = keyof typeof actions;

/** Does what a key means. */
export function act(context: UiContext, action: ActionId): void {
	actions[action](context);
}
