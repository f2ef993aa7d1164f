"""``@task.synthesize``: a function returns the spec."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import (
    SET_DURING_EXECUTION,
    DecoratedOperator,
    TaskDecorator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)

from synthlake_airflow.refusals import refuse_secrets_of_spec
from synthlake_airflow.synthesize import SynthesizeOperator


class SynthesizeDecoratedOperator(DecoratedOperator, SynthesizeOperator):
    """Runs the spec that a function returns, as a mapping or a path.

    Args:
        python_callable: the function.
        op_args: its positional arguments, templated.
        op_kwargs: its named arguments, templated.
        given: what ``SynthesizeOperator`` takes.
    """

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields, *SynthesizeOperator.template_fields,
    )  # fmt: skip
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **SynthesizeOperator.template_fields_renderers,
    }
    custom_operator_name = "@task.synthesize"
    overwrite_rtif_after_execution = True

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(
            python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs,
            spec=SET_DURING_EXECUTION, **given,
        )  # fmt: skip

    def execute(self, context: Any) -> Any:
        """Call the function and run what it returns.

        Raises:
            AirflowFailException: the gate failed, or the same call will fail again.
            AirflowException: another try may succeed.
        """
        context_merge(context, self.op_kwargs)
        named = determine_kwargs(self.python_callable, self.op_args, context)
        spec = self.python_callable(*self.op_args, **named)
        with self.working():
            refuse_secrets_of_spec(spec)
        self.spec = self.render_template(spec, context)
        return super().execute(context)


def synthesize_task(
    python_callable: Callable[..., Any] | None = None, **given: Any
) -> TaskDecorator:
    """Turn a function that returns a spec into a task; Airflow has it as ``@task.synthesize``."""
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=SynthesizeDecoratedOperator,
        **given,
    )
