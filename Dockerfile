FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN useradd --system --create-home backoffice && mkdir -p var/jobs && chown -R backoffice var
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# Static files are gathered into the image; no database is needed for it.
RUN STATIC_ROOT=/app/static-collected SECRET_KEY=only-while-building python manage.py collectstatic --noinput
ENV STATIC_ROOT=/app/static-collected BIND=0.0.0.0:8000
USER backoffice
EXPOSE 8000
CMD ["gunicorn", "--config", "python:backoffice.gunicorn_conf", "backoffice.wsgi"]
