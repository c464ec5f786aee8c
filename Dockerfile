# The image of web and worker. Untested as an image: no engine could build it where it was written. Its commands are
# run by backoffice/tests/test_deployment.py, as an unprivileged user on a tree that nobody can write to.
ARG PYTHON=3.13.9-slim-trixie

FROM python:${PYTHON} AS packages
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:${PYTHON}
RUN groupadd --gid 10001 backoffice \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin backoffice \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/backoffice/jobs
# Written are only /tmp (uploads, metrics, the worker's sign of life), /dev/shm (gunicorn) and the results of jobs.
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0:8000 \
    STATIC_ROOT=/app/static-collected \
    JOB_FILES_DIR=/var/lib/backoffice/jobs \
    WORKER_HEARTBEAT=/tmp/worker-heartbeat
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
# Neither needs a database; the key is used for nothing, and is no secret.
RUN python -m compileall -q . && SECRET_KEY=only-while-building python manage.py collectstatic --noinput -v0
ARG RELEASE=""
ENV RELEASE=${RELEASE}
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s --retries=3 CMD ["python", "-m", "backoffice.alive", "web"]
CMD ["gunicorn", "--config", "python:backoffice.gunicorn_conf", "backoffice.wsgi"]
